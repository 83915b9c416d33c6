package io.fulmar.verify.bench.compare;

import java.awt.Color;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.lines.SeriesLines;

/**
 * Draws the results of the comparison: time against rows, and time against the share of rows that
 * changed. In a source folder of its own, since only the benchmark needs the library.
 */
final class Charts {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 560;
  private static final int DOTS_PER_INCH = 144;

  /** More lines than these cannot be told apart. */
  private static final List<Entrant> DRAWN =
      List.of(
          Entrant.COPY,
          Entrant.STANDARD_QUERY,
          Entrant.LIGHTNING_TABLE,
          Entrant.LIGHTNING_QUERY,
          Entrant.EXCEPT,
          Entrant.MD5_STORED,
          Entrant.MAP,
          Entrant.DEBEZIUM);

  /** Of Okabe and Ito, which the colour-blind can tell apart too; one for each of these. */
  private static final List<Color> COLOURS =
      List.of(
          new Color(0x999999),
          new Color(0x0072B2),
          new Color(0xD55E00),
          new Color(0xCC79A7),
          new Color(0x009E73),
          new Color(0x56B4E9),
          new Color(0xE69F00),
          new Color(0x000000));

  /** Where no change at all is drawn, since a logarithmic axis has no 0. */
  private static final double NO_CHANGE = 0.01;

  private final Results results;
  private final Path directory;

  private Charts(Path csv, Path directory) throws IOException {
    results =
        new Results(Files.readAllLines(csv).stream().skip(1).map(Measurement::parse).toList());
    this.directory = directory;
  }

  /**
   * Draws them and prints links to them.
   *
   * @param args the file with the measurements, the directory of the images
   */
  public static void main(String[] args) throws IOException {
    Charts charts = new Charts(Path.of(args[0]), Path.of(args[1]));
    charts.byRows();
    charts.byShare();
  }

  private void byRows() throws IOException {
    List<Long> sizes = results.sizes(Shape.NARROW);
    if (sizes.size() < 2) {
      return;
    }
    for (Scenario scenario : List.of(Scenario.FIRST, Scenario.UNCHANGED, Scenario.CHANGED_1)) {
      String title = "Time by number of rows: %s".formatted(scenario.title());
      XYChart chart = chart(title, "rows", "seconds (median)");
      for (Entrant entrant : DRAWN) {
        List<Point> points = new ArrayList<>();
        results
            .bySize(Shape.NARROW, entrant, scenario)
            .forEach(each -> points.add(new Point(each.rows(), each.seconds())));
        draw(chart, entrant, points);
      }
      save(chart, "rows-%s".formatted(scenario.name().toLowerCase(Locale.ROOT)));
    }
  }

  private void byShare() throws IOException {
    List<Long> sizes = results.sizes(Shape.NARROW);
    if (sizes.isEmpty()) {
      return;
    }
    long rows = sizes.get(sizes.size() - 1);
    XYChart chart =
        chart(
            String.format(Locale.ROOT, "Time by share of changes: %,d rows", rows),
            "rows that changed, in percent",
            "multiples of the bare COPY (median)");
    chart
        .getStyler()
        .setXAxisTickLabelsFormattingFunction(
            x ->
                x <= NO_CHANGE
                    ? "none"
                    : BigDecimal.valueOf(x).stripTrailingZeros().toPlainString());
    for (Entrant entrant : DRAWN) {
      List<Point> points = new ArrayList<>();
      for (Scenario scenario : Scenario.values()) {
        double percent = Math.max(scenario.percent(), NO_CHANGE);
        if (scenario != Scenario.UNCHANGED && !scenario.changes()) {
          continue;
        }
        if (entrant == Entrant.COPY) {
          points.add(new Point(percent, 1));
        } else {
          add(points, percent, results.find(Shape.NARROW, rows, entrant, scenario));
        }
      }
      draw(chart, entrant, points);
    }
    save(chart, "changes");
  }

  private record Point(double x, double y) {}

  private static void add(List<Point> points, double x, Results.Result result) {
    if (result != null) {
      points.add(new Point(x, result.ratio()));
    }
  }

  private static void draw(XYChart chart, Entrant entrant, List<Point> points) {
    if (points.size() > 1) {
      XYSeries series =
          chart.addSeries(entrant.label(), array(points, Point::x), array(points, Point::y));
      boolean isFulmar = entrant.label().matches("(standard|lightning).*");
      series.setLineStyle(isFulmar ? SeriesLines.SOLID : SeriesLines.DASH_DASH);
      series.setLineColor(COLOURS.get(DRAWN.indexOf(entrant)));
      series.setMarkerColor(COLOURS.get(DRAWN.indexOf(entrant)));
    }
  }

  private static double[] array(List<Point> points, ToDoubleFunction<Point> part) {
    return points.stream().mapToDouble(part).toArray();
  }

  private static XYChart chart(String title, String x, String y) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .theme(Styler.ChartTheme.Matlab)
            .build();
    chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
    return chart;
  }

  private void save(XYChart chart, String name) throws IOException {
    if (chart.getSeriesCollection().isEmpty()) {
      return;
    }
    BitmapEncoder.saveBitmapWithDPI(
        chart, directory.resolve(name).toString(), BitmapFormat.PNG, DOTS_PER_INCH);
    System.out.printf("%n![%s](%s.png)%n", chart.getTitle(), name);
  }
}
