"""The real page in a real browser, used as a person would: by role and name."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import workers_of
from tests.browser import (
    PAUSED,
    PLAYING,
    canvas,
    export,
    load,
    move_slider,
    prefer,
    press,
    rail,
    same_weights,
    score,
    step,
    wait_for_step,
    wait_until_still,
)  # fmt: skip
from ui.messages import text

pytestmark = [pytest.mark.browser, pytest.mark.moving]


def test_play_learns_pause_stands_step_is_one_update_and_reset_gives_the_same_weights(page: Page, tmp_path: Path):
    expect(canvas(page)).to_have_attribute("data-step", "0")
    loss_at_first = score(page, "train_loss")
    first = export(page, "Checkpoint", tmp_path)

    press(page, "Play")
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    wait_for_step(page, 100)
    press(page, "Pause")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    stood = step(page)
    assert float(score(page, "train_loss")) < float(loss_at_first)
    assert not same_weights(first, export(page, "Checkpoint", tmp_path))

    assert step(page) == stood
    press(page, "Step")
    expect(canvas(page)).to_have_attribute("data-step", str(stood + 1))
    epoch = int(canvas(page).get_attribute("data-epoch") or -1)
    press(page, "Epoch")
    expect(canvas(page)).to_have_attribute("data-epoch", str(epoch + 1))

    press(page, "Reset")
    expect(canvas(page)).to_have_attribute("data-step", "0")
    expect(page.locator("[data-score=train_loss]")).to_have_text(loss_at_first)
    assert same_weights(first, export(page, "Checkpoint", tmp_path))


def test_the_learning_rate_changes_while_the_run_plays_on(page: Page, tmp_path: Path):
    before = json.loads(export(page, "Recipe", tmp_path).read_text())["optimizer"]["learning_rate"]
    press(page, "Play")
    wait_for_step(page, 20)
    structure = canvas(page).get_attribute("data-structure")
    move_slider(page, "Learning rate", "ArrowRight")
    after = json.loads(export(page, "Recipe", tmp_path).read_text())["optimizer"]["learning_rate"]
    assert after > before
    reached = step(page)
    wait_for_step(page, reached)
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    assert reached > 20
    change = page.get_by_role("group", name="Changes in this run").get_by_role("button")
    expect(change).to_have_accessible_name(re.compile(rf"^step [\d,]+: learning rate {before:g} to {after:g}$"))
    change.focus()
    expect(page.locator(".nn-change-tip")).to_have_text(change.get_attribute("aria-label") or "")
    assert canvas(page).get_attribute("data-structure") == structure


def test_another_data_set_and_another_language(page: Page):
    structure = canvas(page).get_attribute("data-structure")
    page.get_by_role("radio", name="Spiral", exact=True).click()
    expect(canvas(page)).not_to_have_attribute("data-structure", structure or "")
    expect(page.locator(".nn-headings")).to_contain_text("Spiral")
    prefer(page, "中文")
    expect(page.get_by_role("button", name="开始训练", exact=True)).to_be_visible()
    expect(rail(page).get_by_role("combobox", name="优化器", exact=True)).to_be_visible()
    expect(page.locator(".nn-headings")).to_contain_text("螺旋")
    page.get_by_role("button", name="开始训练", exact=True).click()
    wait_for_step(page, 0)


def test_a_checkpoint_goes_home_comes_back_and_learns_on(page: Page, tmp_path: Path):
    press(page, "Play")
    wait_for_step(page, 60)
    press(page, "Pause")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    saved_at, saved_loss = step(page), score(page, "test_loss")
    saved = export(page, "Checkpoint", tmp_path)
    history = export(page, "History", tmp_path).read_text().splitlines()
    assert history[0] == "epoch,step,train_loss,validation_loss,train_accuracy,validation_accuracy"
    assert history[1].startswith("0,0,")

    press(page, "Reset")
    expect(canvas(page)).to_have_attribute("data-step", "0")
    load(page, saved)
    expect(canvas(page)).to_have_attribute("data-step", str(saved_at))
    expect(page.locator("[data-score=test_loss]")).to_have_text(saved_loss)
    assert same_weights(saved, export(page, "Checkpoint", tmp_path))
    press(page, "Play")
    wait_for_step(page, saved_at + 20)


def test_a_file_that_is_no_checkpoint_is_refused_in_one_sentence_and_the_run_plays_on(page: Page, tmp_path: Path):
    press(page, "Play")
    wait_for_step(page, 20)
    bad = tmp_path / "model.safetensors"
    bad.write_bytes(b"\x80\x04\x95 this was a pickle once")
    load(page, bad)
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_have_count(1)
    assert "Traceback" not in alert.inner_text()
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    wait_for_step(page, step(page))


def test_a_loss_that_explodes_is_explained_and_the_rate_that_is_found_learns(page: Page, tmp_path: Path):
    steep = {"dataset": {"kind": "plane"}, "loss": {"kind": "mse"}, "optimizer": {"kind": "sgd", "learning_rate": 100}}
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(steep))
    load(page, recipe)
    expect(page.locator(".nn-headings")).to_contain_text("Plane")
    press(page, "Play")
    expect(canvas(page)).to_have_attribute("data-status", "diverged")
    expect(page.locator("[data-message=diverged]")).to_contain_text("no longer a finite number at step")
    expect(page.get_by_role("button", name="Play", exact=True)).to_have_attribute("aria-disabled", "true")
    press(page, "Find a learning rate that works")
    wait_for_step(page, 200)
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    found = json.loads(export(page, "Recipe", tmp_path).read_text())
    assert found["optimizer"]["kind"] == "sgd" and 0 < found["optimizer"]["learning_rate"] < 33
    press(page, "Pause")
    assert float(score(page, "train_loss")) < 0.1


def test_an_early_stop_leads_back_to_the_best_epoch_and_play_goes_on(page: Page, tmp_path: Path):
    noisy = {
        "dataset": {"kind": "xor", "samples": 60, "noise": 0.45},
        "layers": [{"kind": "dense", "units": 6}],
        "early_stopping": 3,
        "seed": 1,
    }
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(noisy))
    load(page, recipe)
    expect(page.locator(".nn-headings")).to_contain_text("XOR")
    press(page, "Play")
    line = page.locator("[data-message=early_stopped]")
    expect(line).to_contain_text("It was best at epoch")
    words = line.inner_text()
    at, best = (int(found.replace(",", "")) for found in re.findall(r"epoch ([\d,]+)", words))
    assert best == at - 3
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    press(page, "Go on anyway")
    wait_for_step(page, at * 3)
    press(page, "Reset")
    expect(line).to_have_count(0)
    press(page, "Play")
    expect(line).to_be_visible()
    press(page, "Back to the best epoch")
    expect(canvas(page)).to_have_attribute("data-epoch", str(best))
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    expect(line).to_have_count(0)


def test_a_language_is_kept_if_its_menu_is_closed_at_once_and_the_menu_opens_again_at_once(
    page: Page, app_address: str
):
    menu = page.get_by_role("button", name=text("en", "preferences"), exact=True)
    menu.click()
    # Faster than any hand: three presses before the answer to the first has come.
    page.get_by_role("radio", name="中文", exact=True).evaluate(
        """async (radio) => {
            const menu = document.querySelector('[class*=preferences] [data-testid=stPopoverButton]');
            for (const part of [radio, menu, menu]) {
                part.click();
                await new Promise(requestAnimationFrame);
            }
        }"""
    )
    expect(page.get_by_role("button", name=text("zh_CN", "canvas.play"), exact=True)).to_be_visible()
    page.wait_for_url("**/?lang=zh")
    wait_until_still(page)
    expect(page.get_by_role("radio", name="中文", exact=True)).to_be_checked()
    # A link to another page does not name the language: the browser keeps it.
    page.keyboard.press("Escape")
    page.get_by_role("link", name=text("zh_CN", "page.compare"), exact=True).first.click()
    page.wait_for_url(re.compile(r"/compare$"))
    wait_until_still(page)
    page.goto(app_address)
    expect(page.get_by_role("button", name=text("zh_CN", "preferences"), exact=True)).to_be_visible()


def test_the_keyboard_alone_plays_and_pauses(page: Page):
    play = page.get_by_role("button", name="Play", exact=True)
    for _ in range(60):
        if play.evaluate("button => button.matches(':focus')"):
            break
        page.keyboard.press("Tab")
    expect(play).to_be_focused()
    page.keyboard.press("Enter")
    wait_for_step(page, 0)
    page.keyboard.press("Space")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)


def test_a_killed_worker_comes_back_with_its_run_and_the_page_says_so(page: Page, app_process: int):
    press(page, "Play")
    wait_for_step(page, 60)
    press(page, "Pause")  # What a command has left is kept before it is answered.
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    press(page, "Play")
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    for pid in workers_of(app_process):
        os.kill(pid, signal.SIGKILL)
    expect(page.locator("[data-message='notice worker_restarted']")).to_be_visible()
    restored = step(page)
    assert restored > 0
    wait_for_step(page, restored)
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
