// SPDX-License-Identifier: GPL-2.0-or-later
// Draws the charts that the page's JSON describes; the tables are there without it.
"use strict";

(() => {
    const HEIGHT = 240;
    const described = JSON.parse(document.getElementById("charts").textContent);
    const drawn = [];

    const colour = (name) =>
        getComputedStyle(document.documentElement).getPropertyValue(name).trim();

    const axis = (extra) => ({
        stroke: colour("--soft"),
        grid: { stroke: colour("--line"), width: 1 },
        ticks: { stroke: colour("--line"), width: 1 },
        ...extra,
    });

    // Counts by class of a value
    const bars = (chart) => ({
        options: {
            scales: {
                x: { time: false, range: [-0.5, chart.labels.length - 0.5] },
                y: { range: (u, low, high) => [0, Math.max(high * 1.05, 1)] },
            },
            axes: [
                axis({ splits: () => chart.labels.map((_, i) => i), space: 70,
                       values: (u, splits) => {
                           const step = Math.ceil(splits.length * 84 / Math.max(u.width, 70));
                           return splits.map((i) => i % step ? "" : chart.labels[i]);
                       } }),
                axis({ size: 60 }),
            ],
            series: [
                { label: chart.xlabel, value: (u, i) => i === null ? "" : chart.labels[i] },
                { label: chart.ylabel, stroke: colour("--s1"), fill: colour("--s1"),
                  paths: uPlot.paths.bars({ size: [0.85, 90] }), points: { show: false } },
            ],
        },
        data: [chart.labels.map((_, i) => i), chart.values],
    });

    // Parts of a whole, one on the other, each as it is until the next point
    const stack = (chart) => {
        const sums = chart.series.map((_, n) => chart.x.map((_, i) =>
            chart.series.slice(0, n + 1).reduce((sum, one) => sum + one.values[i], 0)));
        const order = chart.series.map((_, n) => n).reverse();
        return {
            options: {
                scales: { x: { time: false },
                          y: { range: (u, low, high) => [0, Math.max(high * 1.05, 1)] } },
                axes: [axis({ label: chart.xlabel, labelSize: 22 }),
                       axis({ label: chart.ylabel, labelSize: 22, size: 60 })],
                series: [
                    { label: chart.xlabel, value: (u, v) => v === null ? "" : v.toFixed(6) },
                    ...order.map((n) => ({
                        label: chart.series[n].name,
                        stroke: colour(`--s${n % 6 + 1}`), fill: colour(`--s${n % 6 + 1}`),
                        paths: uPlot.paths.stepped({ align: 1 }), points: { show: false },
                        value: (u, v, s, i) => i === null ? "" :
                            chart.series[n].values[i].toFixed(2),
                    })),
                ],
            },
            data: [chart.x, ...order.map((n) => sums[n])],
        };
    };

    const draw = () => {
        while (drawn.length)
            drawn.pop().destroy();
        for (const chart of described) {
            const place = document.getElementById(chart.id);
            const { options, data } = { bars, stack }[chart.kind](chart);
            drawn.push(new uPlot({ width: place.clientWidth, height: HEIGHT, ...options },
                                 data, place));
        }
    };

    let width = 0;
    const redraw = () => {
        if (width !== document.body.clientWidth) {
            width = document.body.clientWidth;
            draw();
        }
    };
    redraw();
    window.addEventListener("resize", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
