package io.fulmar.verify.bench.compare;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One run of one contender, as a line of {@code results.csv}. Numbers are NaN where the system does
 * not tell or where there is none.
 *
 * @param shape the label of the shape
 * @param rows how many rows the model has
 * @param contender its name
 * @param heap as the JVM's option
 * @param scenario its title
 * @param round 0 is for the compiler, and the only one that goes through the relay
 * @param amounts what was measured
 * @param note what the contender says of itself
 * @param mismatch what was delivered wrongly; empty if nothing
 */
public record Measurement(
    String shape,
    long rows,
    String contender,
    String heap,
    String scenario,
    int round,
    Amounts amounts,
    String note,
    String mismatch) {
  static final String HEADER =
      "shape;rows;contender;heap;scenario;round;seconds;copy_seconds;heap_bytes;resident_bytes;jvm_cpu_seconds;server_cpu_seconds;wal_bytes;temp_bytes;state_bytes;state_bytes_without_indexes;sent_bytes;received_bytes;round_trips;note;mismatch";

  private static final int TEXTS_BEFORE = 6;
  private static final int NUMBERS = 13;
  private static final int DIGITS = 6;

  /**
   * The numbers.
   *
   * @param seconds how long it took
   * @param copySeconds how long the bare COPY took in the same round and process
   * @param heap most bytes in use after a collection
   * @param resident most bytes of the process in memory
   * @param jvmCpu seconds of all threads of the JVM
   * @param serverCpu seconds of all processes of the server
   * @param wal bytes written ahead
   * @param temporary bytes of temporary files of the server
   * @param state bytes kept
   * @param stateWithoutIndexes the same without indexes
   * @param sent bytes to the server
   * @param received bytes from the server
   * @param roundTrips how often something was sent after something had been received
   */
  public record Amounts(
      double seconds,
      double copySeconds,
      double heap,
      double resident,
      double jvmCpu,
      double serverCpu,
      double wal,
      double temporary,
      double state,
      double stateWithoutIndexes,
      double sent,
      double received,
      double roundTrips) {
    /** The same beside a bare COPY. */
    Amounts besideCopy(double taken) {
      return new Amounts(
          seconds,
          taken,
          heap,
          resident,
          jvmCpu,
          serverCpu,
          wal,
          temporary,
          state,
          stateWithoutIndexes,
          sent,
          received,
          roundTrips);
    }

    private List<Double> all() {
      return List.of(
          seconds,
          copySeconds,
          heap,
          resident,
          jvmCpu,
          serverCpu,
          wal,
          temporary,
          state,
          stateWithoutIndexes,
          sent,
          received,
          roundTrips);
    }
  }

  /** A line; texts lose what would break it. */
  String toLine() {
    String numbers =
        amounts.all().stream().map(Measurement::plain).collect(Collectors.joining(";"));
    return "%s;%d;%s;%s;%s;%d;%s;%s;%s"
        .formatted(
            shape, rows, contender, heap, scenario, round, numbers, plain(note), plain(mismatch));
  }

  private static String plain(double number) {
    return Double.isFinite(number)
        ? BigDecimal.valueOf(number)
            .setScale(DIGITS, RoundingMode.HALF_UP)
            .stripTrailingZeros()
            .toPlainString()
        : "";
  }

  private static String plain(String text) {
    return text.replaceAll("[;\\p{Cntrl}]+", " ");
  }

  /** What {@link #toLine} made. */
  static Measurement parse(String line) {
    String[] parts = line.split(";", -1);
    if (parts.length != TEXTS_BEFORE + NUMBERS + 2) {
      throw new IllegalArgumentException("not a measurement: " + line);
    }
    double[] n =
        Arrays.stream(parts, TEXTS_BEFORE, TEXTS_BEFORE + NUMBERS)
            .mapToDouble(each -> each.isEmpty() ? Double.NaN : Double.parseDouble(each))
            .toArray();
    return new Measurement(
        parts[0],
        Long.parseLong(parts[1]),
        parts[2],
        parts[3],
        parts[4],
        Integer.parseInt(parts[5]),
        new Amounts(
            n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12]),
        parts[TEXTS_BEFORE + NUMBERS],
        parts[TEXTS_BEFORE + NUMBERS + 1]);
  }
}
