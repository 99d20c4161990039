from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from hsba.config import SETTINGS, BadSetting, Settings, load, origins


def test_load__without_anything_gives_the_defaults() -> None:
    settings = load({}, files=())

    assert (settings.host, settings.port, str(settings.zone)) == ("localhost", 8000, "Asia/Ho_Chi_Minh")


def test_settings__table_and_values_name_the_same() -> None:
    assert [setting.name for setting in SETTINGS] == [field.name for field in fields(Settings)]


def test_settings__every_default_is_of_its_kind() -> None:
    load({}, files=())


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_settings__each_is_explained_in_both_languages(setting) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    assert setting.en
    assert setting.vi
    assert setting.en != setting.vi


def test_load__environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = tmp_path / "hsba.toml"
    file.write_text("port = 1\nworkers = 2\nhost = '::'\n")

    settings = load({"HSBA_PORT": "3", "HSBA_HOST": "::1"}, files=(file,), given={"host": "localhost"})

    assert (settings.port, settings.workers, settings.host) == (3, 2, "localhost")


def test_load__file_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("cors_origins = ['https://a.vn', 'https://b.vn']\nrefuse_dangling_references = true\n")

    settings = load({"HSBA_CONFIG": str(file)})

    assert settings.cors_origins == ("https://a.vn", "https://b.vn")
    assert settings.refuse_dangling_references is True


def test_load__unknown_variable_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadSetting, match="HSBA_PROT; did you mean HSBA_PORT"):
        load({"HSBA_PROT": "1"}, files=())


def test_load__unknown_key_of_the_file_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "hsba.toml"
    file.write_text("worker = 2\n")

    with pytest.raises(BadSetting, match="worker; did you mean workers"):
        load({}, files=(file,))


def test_load__missing_file_that_was_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"none\.toml"):
        load({"HSBA_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    "name,value",
    [("HSBA_PORT", "many"), ("HSBA_PORT", "-1"), ("HSBA_ZONE", "Asia/Nowhere"), ("HSBA_LANG", "fr"),
     ("HSBA_REFUSE_DANGLING_REFERENCES", "maybe")],
)  # fmt: skip
def test_load__value_of_the_wrong_kind_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        load({name: value}, files=())


def test_load__pghost_alone_means_a_database_of_your_own() -> None:
    assert load({"PGHOST": "db.example"}, files=()).database_url == "postgresql://"


def test_load__data_folder_differs_for_the_demo() -> None:
    settings = load({}, files=())

    assert settings.folder("demo") != settings.folder("main")
    assert load({"HSBA_DATA": "/srv/x"}, files=()).folder("demo") == Path("/srv/x")


def test_origins__tell_where_a_value_came_from() -> None:
    found = origins({"HSBA_PORT": "9000"}, files=())

    assert found["port"].source == "HSBA_PORT"
    assert found["host"].source == "default"
