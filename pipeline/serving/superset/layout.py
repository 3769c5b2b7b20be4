"""Where charts stand on the page of a dashboard: a title above each section, rows below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.serving.superset import labels
from pipeline.serving.superset.definitions import ChartPlan, Dashboard
from pipeline.serving.superset.labels import Language


def position(
    dashboard: Dashboard, charts: Mapping[str, Mapping[str, Any]], language: Language
) -> dict[str, Any]:
    """The page as Superset holds it; a section without a chart is left out.

    Args:
        charts: Those that are there, by id: the file of each.
    """
    nodes: dict[str, Any] = {"DASHBOARD_VERSION_KEY": "v2"}
    sections: list[str] = []

    def add(node: str, kind: str, parents: list[str], meta: Mapping[str, Any]) -> None:
        nodes[node] = {
            "id": node,
            "type": kind,
            "children": [],
            "parents": parents,
            "meta": dict(meta),
        }

    root = ["ROOT_ID", "GRID_ID"]
    for number, section in enumerate(dashboard.sections):
        rows = [[one for one in row if one.id in charts] for row in section.rows]
        if not any(rows):
            continue
        header = f"HEADER-{number}"
        text = labels.said(section.title, language)
        style = {"background": "BACKGROUND_TRANSPARENT", "headerSize": "MEDIUM_HEADER"}
        add(header, "HEADER", root, {"text": text, **style})
        sections.append(header)
        for place, row in enumerate(rows):
            if not row:
                continue
            name = f"ROW-{number}-{place}"
            add(name, "ROW", root, {"background": "BACKGROUND_TRANSPARENT"})
            sections.append(name)
            for plan in row:
                node = f"CHART-{plan.id}"
                add(node, "CHART", [*root, name], _meta(plan, charts[plan.id]))
                nodes[name]["children"].append(node)
    nodes["ROOT_ID"] = {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]}
    nodes["GRID_ID"] = {
        "id": "GRID_ID",
        "type": "GRID",
        "children": sections,
        "parents": ["ROOT_ID"],
    }
    title = labels.said(dashboard.title, language)
    nodes["HEADER_ID"] = {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": title}}
    return nodes


def _meta(plan: ChartPlan, chart: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uuid": chart["uuid"],
        "chartId": 0,
        "sliceName": chart["slice_name"],
        "width": plan.width,
        "height": plan.height,
    }
