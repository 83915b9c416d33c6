package io.fulmar.verify.bench.compare;

import io.fulmar.verify.bench.compare.Results.Result;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/** The tables of the comparison, in Markdown: ratios first, then everything. */
final class Report {
  private static final double MEGABYTE = 1e6;

  private final Results results;
  private final List<String> lines = new ArrayList<>();

  Report(Collection<Measurement> measurements) {
    results = new Results(measurements);
  }

  List<String> lines() {
    lines.clear();
    for (Shape shape : Shape.values()) {
      List<Long> sizes = results.sizes(shape);
      if (!sizes.isEmpty()) {
        ratios(shape, sizes.get(sizes.size() - 1));
      }
    }
    goals();
    growth();
    noise();
    everything();
    notes();
    return List.copyOf(lines);
  }

  private void ratios(Shape shape, long rows) {
    List<Scenario> scenarios =
        Arrays.stream(Scenario.values())
            .filter(
                scenario ->
                    results.entrants(shape).stream()
                        .anyMatch(each -> results.find(shape, rows, each, scenario) != null))
            .toList();
    heading(
        "Time as a multiple of the bare binary COPY, which takes %s s: %s, %s rows",
        number("%.2f", Statistics.median(results.copies(shape, rows))),
        shape.label(),
        grouped(rows));
    StringBuilder head = new StringBuilder("| |");
    scenarios.forEach(each -> head.append(' ').append(each.title()).append(" |"));
    lines.add(head.toString());
    lines.add("|---|%s".formatted("--:|".repeat(scenarios.size())));
    for (Entrant entrant : results.entrants(shape)) {
      StringBuilder line = new StringBuilder("| ").append(entrant.description()).append(" |");
      for (Scenario scenario : scenarios) {
        Result result = results.find(shape, rows, entrant, scenario);
        line.append(' ').append(result == null ? "" : number("%.2f", result.ratio())).append(" |");
      }
      lines.add(line.toString());
    }
  }

  private void goals() {
    List<Goals.Goal> goals = new Goals(results).measured();
    if (!goals.isEmpty()) {
      heading("Goals, at the largest number of narrow rows");
      lines.add("| what | measured | goal | |");
      lines.add("|---|--:|--:|---|");
      goals.forEach(each -> lines.add(each.line()));
    }
  }

  private void growth() {
    List<Long> sizes = results.sizes(Shape.NARROW);
    if (sizes.size() < 2) {
      return;
    }
    heading("Growth: median seconds by rows, and the power of the rows with which they grow");
    StringBuilder head = new StringBuilder("| contender | scenario |");
    sizes.forEach(each -> head.append(' ').append(grouped(each)).append(" |"));
    lines.add(head.append(" exponent |").toString());
    lines.add("|---|---|%s--:|".formatted("--:|".repeat(sizes.size())));
    for (Entrant entrant : results.entrants(Shape.NARROW)) {
      for (Scenario scenario : Scenario.values()) {
        List<Result> found = results.bySize(Shape.NARROW, entrant, scenario);
        if (found.size() == sizes.size()) {
          growth(entrant, scenario, found);
        }
      }
    }
  }

  private void growth(Entrant entrant, Scenario scenario, List<Result> found) {
    StringBuilder line =
        new StringBuilder("| %s | %s |".formatted(entrant.label(), scenario.title()));
    for (Result each : found) {
      line.append(' ').append(number("%.3f", each.seconds())).append(" |");
    }
    lines.add(
        line.append(' ')
            .append(number("%.2f", Statistics.exponent(found)))
            .append(" |")
            .toString());
  }

  /** The same bare COPY was measured in every process. */
  private void noise() {
    heading("Noise: the same bare COPY in every process");
    lines.add("| shape | rows | processes | median s | least | most | half of the range |");
    lines.add("|---|--:|--:|--:|--:|--:|--:|");
    for (Shape shape : Shape.values()) {
      for (long rows : results.sizes(shape)) {
        List<Double> medians = results.copies(shape, rows);
        lines.add(
            "| %s | %s | %d | %s | %s | %s | ± %s %% |"
                .formatted(
                    shape.label(),
                    grouped(rows),
                    medians.size(),
                    number("%.3f", Statistics.median(medians)),
                    number("%.3f", Statistics.least(medians)),
                    number("%.3f", Statistics.most(medians)),
                    number("%.0f", Statistics.spread(medians) * 100)));
      }
    }
  }

  private void everything() {
    heading("Everything: medians of the counted rounds");
    lines.add(
        "| shape | rows | contender | scenario | heap | median s | least | most | to COPY | rows/s | peak heap MB | resident MB | CPU JVM s | CPU server s | WAL MB | temporary MB | state B/row | sent MB | received MB | round trips | delivered | way |");
    lines.add("|---|--:|---|---|--:|%s---|---|".formatted("--:|".repeat(15)));
    for (Result each : results.all()) {
      lines.add(
          "| %s |"
              .formatted(
                  String.join(
                      " | ",
                      each.shape(),
                      grouped(each.rows()),
                      each.contender(),
                      each.scenario(),
                      each.heap(),
                      number("%.3f", each.seconds()),
                      number("%.3f", Statistics.least(each.counted(Measurement.Amounts::seconds))),
                      number("%.3f", Statistics.most(each.counted(Measurement.Amounts::seconds))),
                      number("%.2f", each.ratio()),
                      grouped(Math.round(each.rows() / each.seconds())),
                      megabytes(each.median(Measurement.Amounts::heap)),
                      megabytes(each.median(Measurement.Amounts::resident)),
                      number("%.2f", each.median(Measurement.Amounts::jvmCpu)),
                      number("%.2f", each.median(Measurement.Amounts::serverCpu)),
                      megabytes(each.median(Measurement.Amounts::wal)),
                      megabytes(each.median(Measurement.Amounts::temporary)),
                      number("%.1f", each.median(Measurement.Amounts::state) / each.rows()),
                      number("%.3f", each.relayed(Measurement.Amounts::sent) / MEGABYTE),
                      number("%.3f", each.relayed(Measurement.Amounts::received) / MEGABYTE),
                      number("%.0f", each.relayed(Measurement.Amounts::roundTrips)),
                      each.isRight() ? "right" : "**WRONG**",
                      each.note())));
    }
  }

  private void notes() {
    heading("Notes");
    lines.add(
        "- Every contender runs in a JVM of its own with the heap given, on a copy of the same database files. Round 0 is for the compiler and not counted; through it alone goes the relay that counts bytes and round trips. Just before each measurement the same process reads the same rows by a bare COPY; ratios are medians of the ratio to that.");
    lines.add(
        "- `delivered`: in every round, what the consumer was given was compared with what the database says, by operation, count and sum of the keys, and in round 0 by the sum of the changed column too. Consumers do nothing else.");
    lines.add(
        "- A round: first run, unchanged, then each change of rows spread evenly over the table, with a vacuum between change and run. Later runs of a round read a table that has grown by the dead rows of earlier ones (most so at 100 %, where it is twice as large); the COPY to which they are compared reads it as it was before the change.");
    lines.add(
        "- Debezium's time for a change is that from its commit to the last event at the consumer: what it decoded before the commit is not in it. It has no unchanged run. Its offset is in memory; what it keeps is a slot, which makes the server keep its log. What decoding spills to disk is not among the temporary files. Set in its favour: no tombstones, 10 ms instead of 500 ms between polls.");
    lines.add(
        "- What is done by hand runs in one transaction that delivers before it commits, on one connection with the settings that Lightning plans with (work_mem 64 MB, two parallel workers, no JIT), remembers nothing of what was rejected and locks nobody out; the hash map is lost with its process.");
    lines.add(
        "- `sent` and `received` are those of the client's connection. Peak heap is the most in use after a collection, one of them forced at the end. CPU and resident memory come from /proc, and are n/a elsewhere. The server runs on the same machine, does not sync its files to disk, and vacuums only when told to.");
    for (Shape each : Shape.values()) {
      if (!results.sizes(each).isEmpty()) {
        lines.add("- Shape `%s`: %s.".formatted(each.label(), each.description()));
      }
    }
    for (Entrant each : Entrant.values()) {
      lines.add("- Contender `%s`: %s.".formatted(each.label(), each.description()));
    }
  }

  private void heading(String format, Object... args) {
    lines.add("");
    lines.add("### ".concat(String.format(Locale.ROOT, format, args)));
    lines.add("");
  }

  private static String grouped(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static String megabytes(double bytes) {
    DoubleFunction<String> digits = each -> each < 10 ? "%.2f" : "%.0f";
    return number(digits.apply(bytes / MEGABYTE), bytes / MEGABYTE);
  }

  private static String number(String format, double number) {
    return Double.isNaN(number) ? "n/a" : String.format(Locale.ROOT, format, number);
  }
}
