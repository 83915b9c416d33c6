package io.fulmar.verify.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fulmar.verify.bench.compare.Measurement.Amounts;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The tables over made-up measurements: the standard engine takes 1, 1.5 and 2 times the bare read
 * at a million rows, three times as long at three million, and the round that does not count would
 * spoil every median.
 */
class ReportTest {
  private static final double NOT_COUNTED = 1_000;

  private static Measurement measurement(
      Entrant entrant, long rows, Scenario scenario, int round, double seconds, String mismatch) {
    double copy = rows / 1e6;
    return new Measurement(
        Shape.NARROW.label(),
        rows,
        entrant.label(),
        "64m",
        scenario.title(),
        round,
        new Amounts(
            seconds,
            copy,
            20e6,
            80e6,
            0.5,
            0.25,
            1_500_000,
            0,
            25.5 * rows,
            20 * rows,
            round == 0 ? 2_000 : Double.NaN,
            round == 0 ? 3e6 : Double.NaN,
            round == 0 ? 17 : Double.NaN),
        "read",
        mismatch);
  }

  private static List<Measurement> measurements() {
    return measurements(1_000_000, 3_000_000);
  }

  private static List<Measurement> measurements(long... sizes) {
    List<Measurement> all = new ArrayList<>();
    for (long rows : sizes) {
      double unit = rows / 1e6;
      for (Entrant entrant : List.of(Entrant.STANDARD_QUERY, Entrant.STANDARD_64M)) {
        all.add(measurement(entrant, rows, Scenario.UNCHANGED, 0, NOT_COUNTED, ""));
        all.add(measurement(entrant, rows, Scenario.UNCHANGED, 1, unit, ""));
        all.add(measurement(entrant, rows, Scenario.UNCHANGED, 2, 2 * unit, ""));
        all.add(measurement(entrant, rows, Scenario.UNCHANGED, 3, 1.5 * unit, ""));
      }
    }
    return all;
  }

  @Test
  void lineIsReadAsItWasWritten() {
    Measurement made =
        measurement(Entrant.DEBEZIUM, 10_000_000_000L, Scenario.REMOVED_10, 1, 0.000_123, "");
    assertThat(Measurement.parse(made.toLine())).isEqualTo(made);
    assertThat(made.toLine().split(";", -1)).hasSameSizeAs(Measurement.HEADER.split(";"));
  }

  @Test
  void mismatchCannotBreakALine() {
    Measurement made = measurement(Entrant.COPY, 100, Scenario.UNCHANGED, 1, 1, "this;\nand that");
    assertThat(Measurement.parse(made.toLine()).mismatch()).isEqualTo("this and that");
  }

  @Test
  void lineOfAnotherFormIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Measurement.parse("narrow;1;copy"))
        .withMessage("not a measurement: narrow;1;copy");
  }

  @Test
  void ratiosOfTheLargestNumberOfRowsComeFirst() {
    assertThat(new Report(measurements()).lines())
        .startsWith(
            "",
            "### Time as a multiple of the bare binary COPY, which takes 3.00 s: narrow, 3,000,000 rows",
            "",
            "| | unchanged |",
            "|---|--:|",
            "| Fulmar's standard engine, model a query | 1.50 |");
  }

  @Test
  void goalsStandBesideWhatWasMeasured() {
    assertThat(new Report(measurements()).lines())
        .contains(
            "| standard engine, unchanged : bare COPY | 1.50 × | at most 1.20 × | **missed** |",
            "| standard engine in `-Xmx64m`, most heap in use after a collection | 20.0 MB | at most 64.0 MB | met |",
            "| the same at 3,000,000 rows : at 1,000,000 | 1.00 × | at most 1.25 × | met |")
        .noneMatch(line -> line.contains("Debezium's snapshot"));
  }

  @Test
  void nothingIsJudgedWithFewRows() {
    assertThat(new Report(measurements(1_000, 999_999)).lines())
        .contains(
            "| standard engine, unchanged : bare COPY | 1.50 × | at most 1.20 × | too few rows |")
        .noneMatch(line -> line.contains("missed"));
  }

  @Test
  void growthHasAnExponent() {
    assertThat(new Report(measurements()).lines())
        .contains(
            "| contender | scenario | 1,000,000 | 3,000,000 | exponent |",
            "| standard-query | unchanged | 1.500 | 4.500 | 1.00 |");
  }

  @Test
  void everythingThatWasMeasuredIsInOneLine() {
    assertThat(new Report(measurements()).lines())
        .contains(
            "| narrow | 1,000,000 | standard-query | unchanged | 64m | 1.500 | 1.000 | 2.000 | 1.50 | 666,667 | 20 | 80 | 0.50 | 0.25 | 1.50 | 0.00 | 25.5 | 0.002 | 3.000 | 17 | right | read |");
  }

  @Test
  void oneWrongRoundIsShown() {
    List<Measurement> all = new ArrayList<>(measurements());
    all.add(measurement(Entrant.COPY, 1_000_000, Scenario.UNCHANGED, 1, 1, "read 99 rows of 100"));
    assertThat(new Report(all).lines())
        .anyMatch(line -> line.contains("| copy |") && line.contains("**WRONG**"));
  }
}
