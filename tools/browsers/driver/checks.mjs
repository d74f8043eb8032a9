// What checks found: a line for each, and the failures in the end.

const problems = [];

export function check(holds, text) {
  console.log(`${holds ? "ok  " : "FAIL"} ${text}`);
  if (!holds) problems.push(text);
}

/// A figure that is printed and not judged.
export function note(text) {
  console.log(`     ${text}`);
}

/// Prints the failures again; whether there is none.
export function sum() {
  for (const problem of problems) console.log(`failed: ${problem}`);
  return problems.length === 0;
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
