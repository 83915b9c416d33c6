package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Events in, lines out, for a terminal and for a file; the time stands still unless moved. */
class ConsoleProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private long nanos = 17;

  private ConsoleProgress progress(ConsoleProgress.Style style) {
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    return new ConsoleProgress(out, style, () -> nanos);
  }

  private void pass(Duration time) {
    nanos += time.toNanos();
  }

  private String written() {
    return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
  }

  private static ChangeSet planned(long added, long changed, long removed) {
    return new ChangeSet(
        "7",
        "crm",
        7,
        Instant.EPOCH,
        3_000_000,
        0,
        Map.of(Operation.ADDED, added, Operation.CHANGED, changed, Operation.REMOVED, removed),
        0,
        0,
        0,
        List.of(),
        List.of(),
        List.of(),
        Map.of(),
        ChangeSet.Way.READ);
  }

  private static RunEvent.Ended ended(
      String sync, RunStatus status, @Nullable ChangeSet set, @Nullable FulmarException error) {
    long added = set == null ? 0 : set.planned(Operation.ADDED);
    return new RunEvent.Ended(
        sync,
        7,
        new SyncReport(
            sync,
            7,
            status,
            set,
            Map.of(Operation.ADDED, new SyncReport.Counts(added, added, 0, 0)),
            0,
            List.of(),
            1,
            0,
            Instant.EPOCH,
            SyncReport.Times.ZERO,
            error));
  }

  @Test
  void terminalLineIsRewrittenInPlaceAndStaysAsItEnded() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.REWRITTEN);
    progress.on(new RunEvent.Started("crm", 7));
    pass(Duration.ofSeconds(2));
    progress.on(new RunEvent.Reading("crm", 7, 1_200_000));
    pass(Duration.ofSeconds(3));
    progress.on(new RunEvent.Planned("crm", 7, planned(120_000, 0, 0)));
    pass(Duration.ofSeconds(5));
    progress.on(new RunEvent.Delivering("crm", 7, 45_000, 120_000));
    progress.on(new RunEvent.Delivering("crm", 7, 5, 120_000));
    pass(Duration.ofMillis(1_440));
    progress.on(ended("crm", RunStatus.SUCCEEDED, planned(120_000, 0, 0), null));
    String reading = "crm: reading, 1,200,000 rows, 600,000/s";
    String delivering = "crm: delivering, 45,000 of 120,000 (37 %), 9,000/s";
    String fewer = "crm: delivering, 5 of 120,000 (0 %), 1/s";
    assertThat(written())
        .isEqualTo(
            "\r%s\r%s\r%s%s\r%s\r%s\n"
                .formatted(
                    reading,
                    delivering,
                    fewer,
                    " ".repeat(delivering.length() - fewer.length()),
                    " ".repeat(fewer.length()),
                    "crm: SUCCEEDED, 3,000,000 rows read, added 120,000, changed 0, removed 0,"
                        + " delivered 120,000 of 120,000, failed 0, 11.4 s"));
  }

  @Test
  void terminalLineNeverWraps() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.REWRITTEN);
    progress.on(new RunEvent.Reading("s".repeat(100), 7, 1));
    assertThat(written()).isEqualTo("\r" + "s".repeat(79));
  }

  @Test
  void fileGetsALineEveryFiveSecondsAndTheEnd() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.PLAIN);
    progress.on(new RunEvent.Started("crm", 7));
    for (int rows = 1_000; rows <= 11_000; rows += 1_000) {
      pass(Duration.ofSeconds(1));
      progress.on(new RunEvent.Reading("crm", 7, rows));
    }
    progress.on(new RunEvent.Planned("crm", 7, planned(4, 0, 0)));
    progress.on(new RunEvent.Delivering("crm", 7, 4, 4));
    progress.on(ended("crm", RunStatus.SUCCEEDED, planned(4, 0, 0), null));
    assertThat(written().lines())
        .containsExactly(
            "crm: reading, 5,000 rows, 1,000/s",
            "crm: reading, 10,000 rows, 1,000/s",
            "crm: SUCCEEDED, 3,000,000 rows read, added 4, changed 0, removed 0, delivered 4 of 4,"
                + " failed 0, 11.0 s");
  }

  @Test
  void shortRunIsOneLine() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.PLAIN);
    progress.on(new RunEvent.Started("crm", 7));
    progress.on(new RunEvent.Planned("crm", 7, planned(0, 0, 0)));
    progress.on(ended("crm", RunStatus.SUCCEEDED, planned(0, 0, 0), null));
    assertThat(written())
        .isEqualTo(
            "crm: SUCCEEDED, 3,000,000 rows read, added 0, changed 0, removed 0, delivered 0 of 0,"
                + " failed 0, 0.0 s\n");
  }

  @Test
  void failureIsSaidOnTheSameLineWithoutControlCharacters() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.PLAIN);
    progress.on(new RunEvent.Started("crm", 7));
    progress.on(
        ended(
            "crm",
            RunStatus.FAILED,
            null,
            new SourceException("Cannot read:\r\n\u001b[2J gone.", null, null)));
    assertThat(written()).isEqualTo("crm: FAILED, 0.0 s. Cannot read: \\u001b[2J gone.\n");
  }

  @Test
  void recoveryAndReadingAgainAreLinesOfTheirOwn() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.REWRITTEN);
    progress.on(new RunEvent.Started("crm", 7));
    progress.on(new RunEvent.Recovered("crm", 7, 6, 1_000, 2));
    progress.on(new RunEvent.Reading("crm", 7, 5));
    progress.on(
        new RunEvent.ReadAgain("crm", 7, new SourceException("Cannot read.", "57P01", null)));
    assertThat(written())
        .isEqualTo(
            "crm: run 6 had died; 1,000 changes that it delivered are remembered, 2 are unsure\n"
                + "\rcrm: reading, 5 rows\r                    \r"
                + "crm: reading again. Cannot read.\n");
  }

  @Test
  void heldRunSaysHowToApproveIt() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.PLAIN);
    ChangeSet held =
        new ChangeSet(
            "7-1f",
            "crm",
            7,
            Instant.EPOCH,
            0,
            200,
            Map.of(Operation.REMOVED, 200L),
            0,
            0,
            0,
            List.of(),
            List.of(),
            List.of("the model is empty, and 200 synced keys would be removed"),
            Map.of(),
            ChangeSet.Way.READ);
    progress.on(new RunEvent.Started("crm", 7));
    progress.on(new RunEvent.Planned("crm", 7, held));
    progress.on(ended("crm", RunStatus.HELD, held, null));
    assertThat(written())
        .isEqualTo(
            "crm: HELD, 0 rows read, added 0, changed 0, removed 0, delivered 0 of 0, failed 0, 0.0 s."
                + " Cannot deliver plan 7-1f (added 0, changed 0, removed 200): the model is empty,"
                + " and 200 synced keys would be removed. Approve it by engine.apply(sync,"
                + " \"7-1f\"), or mend the source and run again. [sync=crm run=7]\n");
  }

  @Test
  void clearIsALineOfItsOwn() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.REWRITTEN);
    progress.on(new RunEvent.Started("crm", 7));
    progress.on(new RunEvent.Reading("crm", 7, 5));
    pass(Duration.ofSeconds(1));
    progress.on(new RunEvent.Planned("crm", 7, planned(5, 0, 0)));
    pass(Duration.ofSeconds(60));
    progress.on(new RunEvent.Clearing("crm", 7));
    pass(Duration.ofSeconds(1));
    progress.on(new RunEvent.Delivering("crm", 7, 5, 5));
    assertThat(written())
        .isEqualTo(
            "\rcrm: reading, 5 rows\r                    \r"
                + "crm: clearing the destination\n"
                + "\rcrm: delivering, 5 of 5 (100 %), 5/s");
  }

  @Test
  void lateAnswerIsALineAndDisturbsNoRun() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.PLAIN);
    progress.on(new RunEvent.Started("crm", 7));
    pass(Duration.ofSeconds(5));
    progress.on(new RunEvent.AnsweredLate("crm", 6, "write: answered", 10, 8, 0, 2));
    progress.on(new RunEvent.AnsweredLate("crm", 6, "clear: done", 0, 0, 0, 0));
    progress.on(ended("crm", RunStatus.SUCCEEDED, null, null));
    assertThat(written().lines())
        .containsExactly(
            "crm: a call that run 6 had left behind has ended (write: answered): accepted 8, skipped 0,"
                + " rejected 2 of 10; what is remembered stays as it is",
            "crm: a call that run 6 had left behind has ended (clear: done)",
            "crm: SUCCEEDED, 5.0 s");
  }

  @Test
  void runsOfSeveralSyncsAreTimedApart() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.PLAIN);
    progress.on(new RunEvent.Started("crm", 7));
    pass(Duration.ofSeconds(4));
    progress.on(new RunEvent.Started("mail", 7));
    pass(Duration.ofSeconds(1));
    progress.on(ended("mail", RunStatus.CANCELLED, null, null));
    progress.on(ended("crm", RunStatus.SUCCEEDED, null, null));
    assertThat(written().lines())
        .containsExactly(
            "mail: CANCELLED, 1.0 s. The run ended as CANCELLED. [sync=mail run=7]",
            "crm: SUCCEEDED, 5.0 s");
  }

  @Test
  void runThatBrokeOffLeavesNothingToTheNext() {
    ConsoleProgress progress = progress(ConsoleProgress.Style.PLAIN);
    progress.on(new RunEvent.Started("crm", 6));
    pass(Duration.ofHours(1));
    progress.on(new RunEvent.Started("crm", 7));
    pass(Duration.ofSeconds(5));
    progress.on(new RunEvent.Reading("crm", 7, 10));
    progress.on(ended("crm", RunStatus.SUCCEEDED, null, null));
    assertThat(written().lines())
        .containsExactly("crm: reading, 10 rows, 2/s", "crm: SUCCEEDED, 5.0 s");
  }

  @Test
  void numbersDoNotDependOnTheLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      ConsoleProgress progress = progress(ConsoleProgress.Style.REWRITTEN);
      progress.on(new RunEvent.Reading("crm", 7, 1_000));
      assertThat(written()).isEqualTo("\rcrm: reading, 1,000 rows");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void streamThatIsNoTerminalGetsPlainLines() {
    ConsoleProgress progress = ConsoleProgress.to(new PrintStream(bytes, true));
    progress.on(new RunEvent.Reading("crm", 7, 1_000));
    assertThat(written()).isEmpty();
  }

  @Test
  void streamIsRequired() {
    assertThatThrownBy(() -> ConsoleProgress.to(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("out");
  }
}
