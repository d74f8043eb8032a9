// Draws a report's charts with uPlot and makes its tables and lists work.
// Reads only the JSON beside it; fetches nothing.
"use strict";
(() => {
  const drawings = JSON.parse(document.getElementById("drawings").textContent);
  const root = document.documentElement;
  const redraw = new Map(); // figure -> function that draws it anew

  const LIGHT = ["#1f6f5c", "#c2452d", "#2b62c4", "#a8720a", "#8a3fa8", "#3f8f2f", "#c2367f", "#4d5766", "#0f8ba3", "#7a5230"];
  const DARK = ["#6cc7ae", "#ff8b70", "#82aaff", "#f0be5a", "#cf94ea", "#94d67c", "#ff86bd", "#aeb6c2", "#5fd3ea", "#d2a27c"];
  const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const colour = index => (dark() ? DARK : LIGHT)[index % LIGHT.length];
  const border = index => ["solid", "dashed", "dotted", "dashed"][Math.floor(index / LIGHT.length) % DASHES.length];
  const dash = index => DASHES[Math.floor(index / LIGHT.length) % DASHES.length];
  const css = name => getComputedStyle(root).getPropertyValue(name).trim();
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const number = value => {
    if (value == null) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
    return value.toLocaleString("en-US", { maximumSignificantDigits: size >= 1000 ? 6 : 4 });
  };

  const axis = given => ({
    label: given.label, labelSize: 22, labelGap: 0, labelFont: "12px system-ui, sans-serif",
    font: "12px system-ui, sans-serif", stroke: css("--quiet"), size: 46,
    ...(given.whole ? { incrs: [1, 2, 5, 10, 20, 50, 100] } : {}),
    grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 },
    values: given.log
      ? (_, splits) => splits.map(v => v == null || !/^[125]/.test(v.toExponential()) ? "" : number(v))
      : (_, splits) => splits.map(number),
  });

  // Fixed ends hold until the reader zooms: uPlot then asks for other ends than the data's.
  const fixed = given => (plot, min, max, key) => {
    const column = plot.data[0];
    const zoomed = key === "x" && column.length && (min !== column[0] || max !== column.at(-1));
    return zoomed ? [min, max] : given.range;
  };

  const scale = given => ({
    time: false,
    ...(given.log ? { distr: 3, log: 10 } : {}),
    ...(given.range ? { range: fixed(given) } : {}),
  });

  const shown = (chart, point) => point[0] != null && point[1] != null
    && !(chart.x.log && point[0] <= 0) && !(chart.y.log && point[1] <= 0);

  // One x column and a column a series. A line has one value an x, so lines are joined; in a
  // scatter every point is a row of its own, for x may repeat.
  function columns(chart) {
    const lists = chart.series.map(series => series.points
      .map((point, index) => [point[0], point[1], index])
      .filter(point => shown(chart, point)).sort((a, b) => a[0] - b[0]));
    if (chart.series.every(series => series.kind === "points")) {
      const rows = lists.flatMap((list, series) => list.map(point => [point, series]))
        .sort((a, b) => a[0][0] - b[0][0]);
      return [rows.map(row => row[0][0]), ...lists.map((_, series) =>
        rows.map(row => row[1] === series ? row[0][1] : null))];
    }
    const tables = lists.map(list => {
      const last = new Map(list.map(point => [point[0], point[1]]));
      return [[...last.keys()], [...last.values()]];
    });
    const joined = tables.length ? uPlot.join(tables) : [[]];
    chart.series.forEach((series, index) => {
      if (series.kind !== "steps") return;
      const column = joined[index + 1];
      const end = column.findLastIndex(value => value != null);
      for (let row = 1; row < end; row++) column[row] ??= column[row - 1];
    });
    return joined.map(column => [...column]);
  }

  const lines = series => series.kind === "steps" ? uPlot.paths.stepped({ align: 1 })
    : series.kind === "line" ? uPlot.paths.linear() : () => null;

  const nearestFilled = (plot, series, row) => {
    const column = plot.data[series];
    if (column[row] != null) return row;
    for (let away = 1; away < column.length; away++) {
      if (column[row - away] != null) return row - away;
      if (column[row + away] != null) return row + away;
    }
    return row;
  };

  function bands(chart) {
    return plot => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.fillStyle = css("--trouble");
      for (const band of chart.bands) {
        const from = Math.max(plot.valToPos(band.from, "x", true), bbox.left);
        const to = Math.min(plot.valToPos(band.to, "x", true), bbox.left + bbox.width);
        if (to > from) ctx.fillRect(from, bbox.top, Math.max(to - from, 1), bbox.height);
      }
      ctx.restore();
    };
  }

  // The nearest point to the cursor, by distance on the screen.
  function nearest(plot, chart) {
    const { left, top } = plot.cursor;
    if (left < 0) return null;
    let best = null, least = 30 * 30;
    chart.series.forEach((series, index) => {
      if (!plot.series[index + 1].show) return;
      series.points.forEach((point, at) => {
        if (!shown(chart, point)) return;
        const away = (plot.valToPos(point[0], "x") - left) ** 2 + (plot.valToPos(point[1], "y") - top) ** 2;
        if (away < least) { least = away; best = { series, point, label: series.labels?.[at] }; }
      });
    });
    return best;
  }

  function tip(stage, chart) {
    const box = make("div", { className: "tip", hidden: true });
    stage.append(box);
    return plot => {
      const found = nearest(plot, chart);
      box.hidden = !found;
      if (!found) return;
      const { series, point, label } = found;
      box.textContent = `${label ?? series.name}${label && chart.series.length > 1 ? " · " + series.name : ""}: ${number(point[0])}, ${number(point[1])}`;
      const left = plot.over.offsetLeft + plot.valToPos(point[0], "x");
      const top = plot.over.offsetTop + plot.valToPos(point[1], "y");
      box.style.left = Math.max(0, Math.min(left + 10, stage.clientWidth - box.offsetWidth)) + "px";
      box.style.top = top + 12 + "px";
    };
  }

  function options(chart, stage) {
    const scatter = chart.series.some(series => series.kind === "points" || series.labels);
    const hooks = { drawClear: [bands(chart)] };
    if (scatter) hooks.setCursor = [tip(stage, chart)];
    return {
      width: Math.max(stage.clientWidth, 240), height: chart.height,
      scales: { x: scale(chart.x), y: scale(chart.y) },
      axes: [{ ...axis(chart.x), size: 32 }, { ...axis(chart.y), size: 58 }],
      cursor: {
        drag: { x: true, y: false }, focus: { prox: 24 }, dataIdx: nearestFilled,
        ...(chart.sync ? { sync: { key: chart.sync, scales: ["x", null] } } : {}),
      },
      focus: { alpha: 0.35 },
      legend: { live: true, markers: { dash: (_, index) => chart.series[index - 1]?.quiet ? "dashed" : border(index - 1) } },
      series: [
        { label: chart.x.label, value: (_, value) => number(value) },
        ...chart.series.map((series, index) => ({
          label: series.name, width: series.quiet ? 1 : 1.75,
          ...(series.quiet ? { stroke: css("--quiet"), dash: DASHES[1] } : { stroke: colour(index), dash: dash(index) }),
          paths: lines(series), spanGaps: true,
          points: { show: series.marks || series.kind === "points", size: 6, fill: colour(index) },
          value: (_, value) => number(value),
        })),
      ],
      hooks,
    };
  }

  // The legend's names are buttons for the keyboard, too.
  function reachable(plot) {
    plot.root.querySelectorAll(".u-legend .u-series:not(:first-child) th").forEach(name => {
      name.tabIndex = 0;
      name.setAttribute("role", "button");
      name.addEventListener("keydown", event => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        name.click();
      });
    });
  }

  // The charts that share the cursor with this one.
  const together = plot => {
    const key = plot.cursor.sync.key;
    return key ? uPlot.sync(key).plots : [plot];
  };

  function steer(plot, event) {
    const column = plot.data[0];
    if (!column.length) return false;
    const { min, max } = plot.scales.x;
    const zoom = factor => {
      const middle = plot.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, "x") : (min + max) / 2;
      const span = { min: middle - (middle - min) * factor, max: middle + (max - middle) * factor };
      together(plot).forEach(other => other.setScale("x", span));
    };
    const step = by => {
      const row = Math.min(Math.max((plot.cursor.idx ?? (by > 0 ? -1 : column.length)) + by, 0), column.length - 1);
      plot.setCursor({ left: plot.valToPos(column[row], "x"), top: plot.over.clientHeight / 2 }, true, true);
    };
    switch (event.key) {
      case "ArrowRight": step(event.shiftKey ? 10 : 1); return true;
      case "ArrowLeft": step(event.shiftKey ? -10 : -1); return true;
      case "+": case "=": zoom(0.5); return true;
      case "-": zoom(2); return true;
      case "0": together(plot).forEach(other => other.setData(other.data, true)); return true;
      case "Escape": plot.setCursor({ left: -10, top: -10 }); return true;
    }
    return false;
  }

  function draw(figure, chart) {
    const old = figure.querySelector(".stage");
    old?.plot.destroy();
    old?.remove();
    const stage = make("div", { className: "stage", tabIndex: 0 });
    stage.setAttribute("role", "img");
    stage.setAttribute("aria-label", `${chart.title}: ${chart.y.label} over ${chart.x.label}`);
    figure.append(stage);
    const plot = new uPlot(options(chart, stage), columns(chart), stage);
    stage.plot = plot;
    reachable(plot);
    stage.addEventListener("keydown", event => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && steer(plot, event)) event.preventDefault();
    });
  }

  function drawPairs(figure, pairs) {
    let picks = [...figure.querySelectorAll("select")];
    if (!picks.length) {
      picks = [0, 1].map(which => make("select", {}, ...pairs.names.map((name, index) =>
        make("option", { value: index, textContent: name, selected: index === Math.min(which, pairs.names.length - 1) }))));
      figure.append(make("div", { className: "pick" },
        make("label", {}, "Across ", picks[0]), make("label", {}, "Up ", picks[1])));
      picks.forEach(pick => pick.addEventListener("change", () => drawPairs(figure, pairs)));
    }
    const [x, y] = picks.map(pick => Number(pick.value));
    const name = index => pairs.names[index] ?? "";
    const both = pairs.labels.map((label, at) => [pairs.values[x]?.[at], pairs.values[y]?.[at], label])
      .filter(point => point[0] != null && point[1] != null);
    const all = both.flatMap(point => [point[0], point[1]]);
    const ends = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
    const label = index => `${pairs.measure}: ${name(index)}`;
    draw(figure, {
      title: pairs.title, height: 420, bands: [],
      x: { label: label(x) }, y: { label: label(y) },
      series: [
        { name: "each", kind: "points", points: both.map(point => [point[0], point[1]]), labels: both.map(point => point[2]) },
        { name: "equal", kind: "line", quiet: true, points: [[ends[0], ends[0]], [ends[1], ends[1]]] },
      ],
    });
  }

  // A hidden figure has no width: it is drawn when it is first shown.
  const drawShown = () => document.querySelectorAll(".drawing").forEach(figure => {
    if (redraw.has(figure) || !figure.offsetWidth) return;
    const drawing = drawings[Number(figure.dataset.drawing)];
    const again = () => drawing.chart ? draw(figure, drawing.chart) : drawPairs(figure, drawing.pairs);
    redraw.set(figure, again);
    again();
  });
  drawShown();

  addEventListener("resize", () => redraw.forEach((_, figure) => {
    const stage = figure.querySelector(".stage");
    if (stage?.clientWidth) stage.plot.setSize({ width: stage.clientWidth, height: stage.plot.height });
  }));
  const redrawAll = () => redraw.forEach(again => again());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

  document.querySelectorAll(".choice > label > select").forEach(select => select.addEventListener("change", () => {
    [...select.closest(".choice").children].filter(child => child.className === "option")
      .forEach((option, index) => { option.hidden = index !== select.selectedIndex; });
    drawShown();
  }));


  const sortKey = cell => {
    const text = cell?.textContent ?? "";
    const value = parseFloat(text);
    return cell?.className === "number" ? (Number.isNaN(value) ? -Infinity : value) : text;
  };
  document.querySelectorAll("th button").forEach(button => button.addEventListener("click", () => {
    const heading = button.closest("th"), body = button.closest("table").tBodies[0];
    const column = heading.cellIndex;
    const up = heading.getAttribute("aria-sort") !== "ascending";
    heading.parentElement.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = (a, b) => { const [x, y] = [sortKey(a.cells[column]), sortKey(b.cells[column])]; return x < y ? -1 : x > y ? 1 : 0; };
    body.append(...[...body.rows].sort((a, b) => up ? order(a, b) : order(b, a)));
  }));

  const sections = [...document.querySelectorAll("section")];
  const jump = by => {
    const at = sections.findLastIndex(section => section.getBoundingClientRect().top < 40);
    sections[Math.min(Math.max(at + by, 0), sections.length - 1)]?.scrollIntoView();
  };
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(SELECT|INPUT)$/.test(event.target?.tagName)) return;
    if (event.key === "j") jump(1);
    if (event.key === "k") jump(-1);
    if (event.key === "t") { root.dataset.theme = dark() ? "light" : "dark"; redrawAll(); }
  });
  const keys = [["j k", "next and previous section"], ["t", "dark and light"], ["← →", "in a chart: move"],
    ["+ − 0", "zoom, or drag"], ["Enter", "on a name: show or hide"]];
  document.querySelector(".keys").append(...keys.flatMap(([key, what], index) =>
    [index ? " · " : "", make("kbd", { textContent: key }), ` ${what}`]));
})();
