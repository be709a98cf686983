import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, css, luminance, mix, rampGradient, readTheme } from "../../ui/canvas/colours.js";
import { styled } from "./page.mjs";

const LIGHT = { "--st-background-color": "#ffffff", "--st-text-color": "#31333f", "--st-primary-color": "#ff4b4b" };
const DARK = { "--st-background-color": "#0e1117", "--st-text-color": "#fafafa", "--st-primary-color": "#ff4b4b" };

function themeOf(properties) {
  styled(properties);
  return readTheme(null);
}

/** A pixel as red, green, blue and opacity, in the order of their bytes in memory. */
const bytesOf = (pixel) => [...new Uint8Array(Uint32Array.of(pixel).buffer)];

test("contrast is as WCAG gives it", () => {
  assert.equal(luminance([255, 255, 255]), 1);
  assert.equal(luminance([0, 0, 0]), 0);
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
  assert.equal(contrast([119, 119, 119], [255, 255, 255]).toFixed(2), "4.48"); // #777 on white, just too little
  assert.equal(contrast([10, 20, 30], [10, 20, 30]), 1);
});

test("a colour is written for CSS in whole numbers", () => {
  assert.equal(css([12.7, 0, 255]), "rgba(12,0,255,1)");
  assert.equal(css([1, 2, 3], 0.5), "rgba(1,2,3,0.5)");
  assert.deepEqual(mix([0, 100, 255], [100, 0, 255], 0.25), [25, 75, 255]);
});

test("the ramp goes from the colour of negative over zero to that of positive", () => {
  for (const properties of [LIGHT, DARK]) {
    const theme = themeOf(properties);
    const [low, zero, high] = [1, 128, 255].map((byte) => bytesOf(theme.ramp[byte]));
    theme.zero.forEach((part, i) => assert.ok(Math.abs(zero[i] - part) <= 1, "zero is the ground"));
    assert.ok(low[0] > low[2] && high[2] > high[0], "orange below, blue above");
    for (const pixel of theme.ramp) assert.equal(bytesOf(pixel)[3], 255);
    const away = theme.rampColours.map((colour) => contrast(colour, theme.zero));
    for (let byte = 1; byte < 128; byte += 1) assert.ok(away[byte] > away[byte + 1] - 1e-9, `byte ${byte}`);
    for (let byte = 128; byte < 255; byte += 1) assert.ok(away[byte + 1] > away[byte] - 1e-9, `byte ${byte}`);
  }
});

test("a class's colour is the stronger the more certain the answer is", () => {
  for (const properties of [LIGHT, DARK]) {
    const theme = themeOf(properties);
    theme.classRamps.forEach((ramp) => {
      const away = [0, 64, 128, 192, 255].map((byte) => contrast(bytesOf(ramp[byte]).slice(0, 3), theme.zero));
      away.slice(1).forEach((one, i) => assert.ok(one > away[i]));
    });
  }
});

test("a theme is dark by its background, and its letters can be read on both", () => {
  const [light, dark] = [themeOf(LIGHT), themeOf(DARK)];
  assert.deepEqual([light.dark, dark.dark], [false, true]);
  for (const theme of [light, dark]) {
    assert.ok(contrast(theme.muted, theme.background) >= 4.5);
    assert.ok(contrast(theme.text, theme.panel) >= 4.5);
    assert.ok(contrast(theme.onPrimary, theme.primary) >= 4.5);
  }
  assert.notEqual(light.key, dark.key);
});

test("the legend's gradient has the colours of the ramp", () => {
  const theme = themeOf(LIGHT);
  const colours = rampGradient(theme).match(/rgba\([^)]+\)/g);
  assert.deepEqual([colours[0], colours.at(-1)], [css(theme.rampColours[1]), css(theme.rampColours[255])]);
  assert.equal(colours[(colours.length - 1) / 2], css(theme.rampColours[128]));
});
