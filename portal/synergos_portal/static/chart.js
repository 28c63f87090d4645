// The curve of a training: reads the losses of all rounds once, and those that are new when the page says that there are some.
(() => {
  "use strict";
  const COLOURS = ["#0b5394", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be123c", "#0e7490", "#4d7c0f"];
  const DARK = ["#6ea8fe", "#fdba74", "#86efac", "#d8b4fe", "#fde047", "#fda4af", "#67e8f9", "#bef264"];
  const HEIGHT = 280;

  class Curve {
    constructor(place) {
      this.place = place;
      this.rounds = new Map();
      this.newest = 0;
      this.plot = null;
      this.names = "";
      this.isAsking = false;
    }

    async ask() {
      if (this.isAsking) return;
      this.isAsking = true;
      try {
        let isWhole = false;
        while (!isWhole) {
          // How good a round is becomes known with the round after it.
          const answer = await fetch(`${this.place.dataset.losses}?after=${Math.max(0, this.newest - 2)}`);
          if (!answer.ok) return;
          for (const row of await answer.json()) {
            this.rounds.set(row[0], row);
            this.newest = Math.max(this.newest, row[0]);
          }
          isWhole = !answer.headers.get("Losses-More");
        }
        this.draw();
      } catch {
        // Nobody answers: the next round asks again.
      } finally {
        this.isAsking = false;
      }
    }

    draw() {
      if (!this.rounds.size) return;
      const rows = [...this.rounds.values()].sort((one, other) => one[0] - other[0]);
      const participants = [...new Set(rows.flatMap((row) => Object.keys(row[3])))];
      const data = [
        rows.map((row) => row[0]),
        rows.map((row) => row[1]),
        rows.map((row) => row[2]),
        ...participants.map((who) => rows.map((row) => row[3][who] ?? null)),
      ];
      const names = participants.join("\n");
      if (this.plot && names === this.names) {
        this.plot.setData(data);
        return;
      }
      this.plot?.destroy();
      this.names = names;
      this.plot = new uPlot(this.options(participants), data, this.place);
    }

    options(participants) {
      const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
      const colours = isDark ? DARK : COLOURS;
      const ink = isDark ? "#dee2e6" : "#343a40";
      const grid = { stroke: isDark ? "#495057" : "#dee2e6", width: 1 };
      const line = (label, index, dash) => ({
        label,
        stroke: colours[index % colours.length],
        width: index < 2 ? 2.5 : 1,
        dash,
        spanGaps: true,
        points: { show: (_plot, _series, first, last) => last - first < 60 },
      });
      const { train, evaluate, round } = this.place.dataset;
      return {
        width: this.width(),
        height: HEIGHT,
        scales: { x: { time: false } },
        axes: [
          { stroke: ink, grid, label: round, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] },
          { stroke: ink, grid, size: 70 },
        ],
        series: [
          { label: round },
          line(train, 0),
          line(evaluate, 1, [8, 4]),
          ...participants.map((who, index) => line(who, index + 2, [2, 3])),
        ],
      };
    }

    width() {
      return Math.max(240, this.place.clientWidth);
    }

    resize() {
      this.plot?.setSize({ width: this.width(), height: HEIGHT });
    }
  }

  for (const place of document.querySelectorAll("[data-losses]")) {
    const curve = new Curve(place);
    curve.ask();
    addEventListener("resize", () => curve.resize());
    let seen = "";
    new MutationObserver(() => {
      const mark = document.getElementById("rounds-done");
      const now = mark ? `${mark.dataset.round} ${mark.dataset.evaluated}` : "";
      if (now === seen) return;
      seen = now;
      curve.ask();
    }).observe(document.querySelector(".live-part"), { subtree: true, childList: true, attributes: true });
  }
})();
