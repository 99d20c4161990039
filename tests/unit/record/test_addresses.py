"""Where a hook may point: a table of what was tried against servers that call addresses (SSRF)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from hsba.record.subscriptions.addresses import TargetRefused, Targets, is_public

NOTHING = Targets()
HOSPITAL = Targets.of(["his.benhvien.vn", "10.1.0.0/16", "fd12::/16"], plain=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "233.252.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
        "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1",
        "2001:0:a00:1::f5ff:fffe", "2001::1",
    ],
)  # fmt: skip
def test_is_public__what_leads_into_a_network_of_ones_own_is_not(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "113.160.0.1", "2405:4800::1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_is_public__what_the_internet_has_is(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "/hook", "//lis.example.vn/hook", "http://lis.example.vn/hook", "ftp://lis.example.vn/x",
        "file:///etc/passwd", "gopher://lis.example.vn/", "https://", "https:///x", "https://:443/x",
        "https://user@lis.example.vn/", "https://user:pw@lis.example.vn/", "https://lis.example.vn@127.0.0.1/",
        "https://lis.example.vn/#a", "https://lis.example.vn\\@127.0.0.1/", "https://lis.example.vn/a b",
        "https://lis.example.vn/\r\nHost: x", "https://bệnhviện.vn/", "https://lis.example.vn:0x50/",
        "https://lis.example.vn:99999/", "https://lis.example.vn:8443/", "https://lis.example.vn:0/",
        "https://localhost/", "https://a.localhost/", "https://LOCALHOST/", "https://localhost./",
        "https://127.0.0.1/", "https://0.0.0.0/", "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://0177.0.0.1/",
        "https://0x7f000001/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/", "https://10.1.2.3/", "https://192.168.0.1:443/", "https://[::]/",
        "https://exa_mple..vn/", "https://-a.vn/",
    ],
)  # fmt: skip
def test_endpoint__what_is_no_plain_public_https_address_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        NOTHING.endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://lis.example.vn", "https://lis.example.vn/hook", "https://LIS.Example.vn:443/hook?key=1",
        "https://lis.example.vn:80/", "https://113.160.0.1/", "https://[2405:4800::1]/hook", "https://lis.example.vn./",
    ],
)  # fmt: skip
def test_endpoint__a_public_https_address_is_taken(url: str) -> None:
    NOTHING.endpoint(url)


@pytest.mark.parametrize(
    "url, address, allowed",
    [
        ("http://his.benhvien.vn:8080/", "192.168.1.1", True),
        ("http://HIS.benhvien.vn./", "192.168.1.1", True),
        ("http://his.benhvien.vn/", "169.254.169.254", False),
        ("http://his.benhvien.vn/", "::ffff:169.254.169.254", False),
        ("http://evil-his.benhvien.vn/", "192.168.1.1", False),
        ("http://x.his.benhvien.vn/", "192.168.1.1", False),
        ("http://his.benhvien.vn.evil.example/", "192.168.1.1", False),
        ("https://any.example:8443/", "10.1.2.3", True),
        ("https://any.example/", "10.2.2.3", False),
        ("https://any.example/", "127.0.0.1", False),
        ("https://any.example/", "::ffff:10.1.2.3", False),
        ("https://any.example/", "fd12::7", True),
        ("https://any.example/", "fd13::7", False),
        ("https://any.example/", "8.8.8.8", True),
        ("https://any.example:8443/", "8.8.8.8", False),
    ],
)
def test_check__the_setting_opens_just_what_it_names(url: str, address: str, allowed: bool) -> None:
    endpoint = HOSPITAL.endpoint(url)

    if allowed:
        HOSPITAL.check(endpoint, [ip_address(address)])
    else:
        with pytest.raises(TargetRefused):
            HOSPITAL.check(endpoint, [ip_address(address)])


def test_check__one_bad_address_among_good_ones_refuses_all() -> None:
    endpoint = NOTHING.endpoint("https://lis.example.vn/")

    with pytest.raises(TargetRefused):
        NOTHING.check(endpoint, [ip_address("8.8.8.8"), ip_address("10.0.0.1")])


def test_at__calls_the_checked_address_below_the_path() -> None:
    endpoint = NOTHING.endpoint("https://Lis.example.vn/hook/?key=1")

    assert endpoint.at(ip_address("8.8.8.8"), "/Patient/1") == "https://8.8.8.8:443/hook/Patient/1?key=1"
    assert endpoint.at(ip_address("2405:4800::1")) == "https://[2405:4800::1]:443/hook/?key=1"
    assert endpoint.authority == "lis.example.vn"


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "10.0.0.1/8", "a b", "http://his.vn", "1.2.3", ""])
def test_targets__what_is_neither_name_nor_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Targets.of([wrong])
