// What the watch page offers: adaptation rules by the session's names, and networks.

const named = (id, label = id) => ({ id, label });

export const RULES = ["dynamic", "throughput", "bola-e", "bola-basic", "bba0", "bba2", "robust-mpc", "festive", "l2a", "lol+"].map((id) => named(id));

export const NETWORKS = [
  named("", "your own"),
  { id: "mobile", label: "mobile, made up, 5–90 kbit/s", trace: "./trace.csv" },
  { id: "12", label: "12 kbit/s", kbps: 12 },
  { id: "20", label: "20 kbit/s", kbps: 20 },
  { id: "50", label: "50 kbit/s", kbps: 50 },
  { id: "500", label: "500 kbit/s", kbps: 500 },
];
