// Rows as text in columns.

export function table(rows) {
  const names = Object.keys(rows[0]);
  const width = Object.fromEntries(names.map((name) => [name, Math.max(...[name, ...rows.map((row) => `${row[name]}`)].map((cell) => cell.length))]));
  const line = (cells) => `| ${names.map((name) => `${cells[name]}`.padEnd(width[name])).join(" | ")} |`;
  const rule = Object.fromEntries(names.map((name) => [name, "-".repeat(width[name])]));
  const head = Object.fromEntries(names.map((name) => [name, name]));
  return [head, rule, ...rows].map(line).join("\n");
}
