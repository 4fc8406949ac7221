"""GetMetricWidgetImage: a graph as a PNG."""

from __future__ import annotations

from emulator.kernel.errors import EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudwatch import charts, metric_math, widgets
from emulator.semantics.cloudwatch.expressions import MathError
from emulator.services.cloudwatch import queries
from emulator.services.cloudwatch.engine import Engine
from emulator.services.cloudwatch.records import invalid


def get_metric_widget_image(params: Params, ctx: Context) -> Params:
    """Draw what a widget describes.

    Raises:
        AwsError: ValidationError when the widget cannot be read or computed.
    """
    if params.get("OutputFormat", "png") != "png":
        raise EmulatorError(f"cloudwatch: GetMetricWidgetImage: OutputFormat {params['OutputFormat']} is not emulated")
    try:
        widget = widgets.parse(params["MetricWidget"], ctx.kernel.clock.now())
    except widgets.WidgetError as error:
        raise invalid(str(error)) from error
    queries.check(widget.queries)
    size = (widget.width, widget.height)
    image = charts.draw(_lines(widget, ctx), (widget.start, widget.end), size, widget.title, widget.lines)
    return {"MetricWidgetImage": image}


def _lines(widget: widgets.Widget, ctx: Context) -> list[charts.Line]:
    resolver = queries.Resolver(Engine.of(ctx.kernel).metrics, widget.queries, widget.start // 60 * 60, widget.end)
    shown = [query for query in widget.queries if query["ReturnData"]]
    try:
        return [
            charts.Line(query.get("Label") or one.label or query["Id"], one.points)
            for query in shown
            for one in metric_math.all_series(resolver.value(query["Id"]))
        ]
    except MathError as error:
        raise invalid(str(error)) from error


OPERATIONS: dict[str, Operation] = {"GetMetricWidgetImage": get_metric_widget_image}
