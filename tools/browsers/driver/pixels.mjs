// The picture on the canvas against a frame that `promptus play` wrote.

/// Largest difference of a byte to the native player's frame, and of all on average.
const WORST = 2;
const MEAN = 1;

export async function compare(page, native) {
  const pixels = await page.evaluate(() => {
    const { canvas } = window.player;
    return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
  });
  const differences = Array.from(native.rgb, (value, at) => Math.abs(value - pixels[Math.floor(at / 3) * 4 + (at % 3)]));
  const worst = differences.reduce((most, value) => Math.max(most, value), 0);
  const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
  return { same: worst <= WORST && mean <= MEAN, text: `by ${worst} at most, ${mean.toExponential(1)} on average` };
}
