from __future__ import annotations

import pytest

from browser.test_ward_pc import (
    FORM,
    KEEPER,
    NAMES,
    NOTE,
    PINS,
    STRANGER,
    at_workstation,
    log_in,
    set_pin,
)


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_shots(people, reader):
    out = "/tmp/hsba/shots-ward/"
    page = await at_workstation(reader)
    site = reader.site

    async def shot(name):
        for w, h in ((1280, 800), (390, 800)):
            await page.set_viewport_size({"width": w, "height": h})
            await page.screenshot(path=f"{out}{name}-{w}.png", full_page=True)

    for login in ("bs.hung", "dd.mai"):
        await page.goto(site.address + "/login")
        await log_in(page, login)
        await set_pin(page, site, login)
    await shot("pin")
    await page.goto(site.address + "/patients")
    await shot("patients")
    await page.evaluate(FORM)
    await page.fill("#words", NOTE)
    await page.keyboard.press("F4")
    await shot("cover")
    await page.get_by_role("link", name="Người khác").click()
    await page.wait_for_url("**/switch")
    await shot("switch")
    await page.locator(".shift a").first.click()
    await shot("person")
    await page.goto(site.address + "/lock")
    await shot("lock")
    await page.goto(site.address + "/switch?person=%s" % (await page.evaluate("1")))
    await page.goto(site.address + "/switch")
    await page.get_by_role("link", name=NAMES["dd.mai"]).click()
    await page.fill("#pin", PINS["dd.mai"])
    await page.press("#pin", "Enter")
    await page.wait_for_url("**/unsent")
    await shot("unsent")
    await page.goto(site.address + "/login")
    await log_in(page, KEEPER)
    await page.goto(site.address + "/workstation")
    await shot("workstation")
    await page.goto(site.address + "/admin/workstations")
    await shot("workstations")
    await page.locator("main form[data-proof] button").click()
    await page.wait_for_timeout(500)
    await shot("proof")
