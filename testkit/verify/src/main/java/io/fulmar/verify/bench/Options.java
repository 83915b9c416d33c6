package io.fulmar.verify.bench;

import io.fulmar.verify.bench.compare.Entrant;
import io.fulmar.verify.bench.compare.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is asked of the benchmark.
 *
 * @param isHelp whether only the options are asked for
 * @param isResumed whether what an earlier run has measured stays
 * @param rows numbers of rows, ascending
 * @param shapeRows orders for the shapes other than the narrow one
 * @param rounds how often each variant is measured, after a round that does not count
 * @param sections which parts; empty for those that are possible here
 * @param only which contenders
 * @param shapes which shapes of rows
 * @param out the directory that takes the results
 * @param jmh what JMH is told
 */
record Options(
    boolean isHelp,
    boolean isResumed,
    List<Long> rows,
    long shapeRows,
    int rounds,
    Set<Section> sections,
    Set<Entrant> only,
    Set<Shape> shapes,
    Path out,
    List<String> jmh) {
  private static final Pattern NUMBER = Pattern.compile("(\\d{1,9})([kM]?)");
  private static final long LEAST_ROWS = 100;
  private static final long MOST_SHAPE_ROWS = 1_000_000;

  static final String HELP =
      """
      Options, as in -Dbench.args="--rows 10k,100k,1M --only standard-query,debezium":
        --rows N,...       numbers of rows, with k or M; the largest goes through all shares of
                           changes (default 10k,100k,300k)
        --shape-rows N     rows for the shapes beside narrow (default a third of the largest number,
                           at most 1M)
        --rounds N         counted rounds, after one that is not counted (default 3)
        --section NAME,... which parts: %s
                           (default all but ciphers and micro, and tunnel only where OpenSSH is installed)
        --only NAME,...    which contenders of the comparison: %s
                           (default all)
        --shapes NAME,...  which shapes of rows: %s (default all)
        --out DIRECTORY    takes results.md, results.csv and charts (default target/bench)
        --jmh ARGUMENT,... what JMH is told in the section micro, as -i,20,WriteJson
        --resume           goes on with a comparison that was cut short: keeps results.csv, and runs
                           those contenders alone that are missing there
        --help             this text
      """
          .formatted(
              String.join(", ", Section.labels()),
              String.join(", ", Entrant.labels()),
              String.join(", ", shapeLabels()));

  private static final List<String> NAMES =
      List.of(
          "--rows",
          "--shape-rows",
          "--rounds",
          "--section",
          "--only",
          "--shapes",
          "--out",
          "--jmh",
          "--resume",
          "--help");

  /**
   * Reads arguments.
   *
   * @param args as on a command line
   * @throws IllegalArgumentException naming what is allowed, if an option or a value is not
   */
  static Options parse(String... args) {
    boolean isHelp = false;
    boolean isResumed = false;
    List<Long> rows = List.of(10_000L, 100_000L, 300_000L);
    long shapeRows = 0;
    int rounds = 3;
    Set<Section> sections = Set.of();
    Set<Entrant> only = Set.of(Entrant.values());
    Set<Shape> shapes = Set.of(Shape.values());
    Path out = Path.of("target", "bench");
    List<String> jmh = List.of();
    for (int i = 0; i < args.length; i++) {
      String name = args[i];
      if (name.equals("--help")) {
        isHelp = true;
        continue;
      }
      if (name.equals("--resume")) {
        isResumed = true;
        continue;
      }
      if (!NAMES.contains(name)) {
        throw refusal("option", name, NAMES);
      }
      i++;
      if (i == args.length) {
        throw new IllegalArgumentException("Cannot read %s: it needs a value.".formatted(name));
      }
      String value = args[i];
      switch (name) {
        case "--rows" -> rows = list(value, Options::number).stream().sorted().toList();
        case "--shape-rows" -> shapeRows = number(value);
        case "--rounds" -> rounds = rounds(value);
        case "--section" -> sections = set(value, "section", Section.values(), Section::label);
        case "--only" -> only = set(value, "contender", Entrant.values(), Entrant::label);
        case "--shapes" -> shapes = set(value, "shape", Shape.values(), Shape::label);
        case "--jmh" -> jmh = list(value, each -> each);
        default -> out = Path.of(value);
      }
    }
    long largest = rows.get(rows.size() - 1);
    return new Options(
        isHelp,
        isResumed,
        rows,
        shapeRows > 0 ? shapeRows : Math.max(LEAST_ROWS, Math.min(largest / 3, MOST_SHAPE_ROWS)),
        rounds,
        sections,
        only,
        shapes,
        out,
        jmh);
  }

  /** The largest number of rows. */
  long mostRows() {
    return rows.get(rows.size() - 1);
  }

  private static long number(String text) {
    Matcher matcher = NUMBER.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "Cannot read the number \"%s\": say 2500, 10k or 1M.".formatted(text));
    }
    long factor =
        switch (matcher.group(2)) {
          case "k" -> 1_000;
          case "M" -> 1_000_000;
          default -> 1;
        };
    long number = Long.parseLong(matcher.group(1)) * factor;
    if (number < LEAST_ROWS) {
      throw new IllegalArgumentException(
          "Cannot compare %d rows: at least %d are needed.".formatted(number, LEAST_ROWS));
    }
    return number;
  }

  private static int rounds(String text) {
    if (!text.matches("[1-9]\\d?")) {
      throw new IllegalArgumentException(
          "Cannot run %s rounds: say a number from 1 to 99.".formatted(text));
    }
    return Integer.parseInt(text);
  }

  private static <T> List<T> list(String value, Function<String, T> read) {
    List<T> all = new ArrayList<>();
    for (String each : value.split(",", -1)) {
      all.add(read.apply(each.trim()));
    }
    return all;
  }

  private static <T> Set<T> set(String value, String what, T[] known, Function<T, String> label) {
    return new LinkedHashSet<>(
        list(
            value,
            each ->
                Arrays.stream(known)
                    .filter(one -> label.apply(one).equals(each))
                    .findFirst()
                    .orElseThrow(
                        () -> refusal(what, each, Arrays.stream(known).map(label).toList()))));
  }

  private static IllegalArgumentException refusal(String what, String name, List<String> known) {
    return new IllegalArgumentException(
        "Unknown %s \"%s\". There are: %s.".formatted(what, name, String.join(", ", known)));
  }

  private static List<String> shapeLabels() {
    return Arrays.stream(Shape.values()).map(Shape::label).toList();
  }
}
