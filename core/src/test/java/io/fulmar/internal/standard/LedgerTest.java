package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a ledger gives back to whoever opens it after its run has died. */
class LedgerTest {
  private static final long UNTIL = 1_768_471_200_000L;
  private static final long NO_BOUND = Long.MAX_VALUE;

  @TempDir(factory = InMemory.class)
  Path temporary;

  private StateDirectory directory() throws IOException {
    StateDirectory directory =
        new StateDirectory(new FaultyDisk(FileSystems.getDefault()).path(temporary), "crm");
    directory.make();
    return directory;
  }

  /** What was written and forced since it was asked last, and the points that were passed. */
  private static final class Steps implements CrashPoint.Watch {
    private final FaultyDisk disk = new FaultyDisk(FileSystems.getDefault());
    private final List<String> steps = new ArrayList<>();

    @Override
    public void passed(CrashPoint point) {
      collect();
      steps.add(point.toString());
    }

    private void collect() {
      steps.addAll(disk.operations());
      disk.strike(FaultyDisk.Fault.FULL, Long.MAX_VALUE);
    }

    List<String> take() {
      collect();
      List<String> taken = List.copyOf(steps);
      steps.clear();
      return taken;
    }
  }

  private static Outcome rejected(String code, String message) {
    return new Outcome(Outcome.Kind.REJECTED, false, 0, new Hold.Reason(code, message));
  }

  private static Ledger reopened(Path path, long latest) throws IOException {
    Ledger ledger = Ledger.open(path, latest);
    assertThat(ledger).isNotNull();
    return ledger;
  }

  @Test
  @DisplayName("P1: what was reserved and not answered is unknown, until the latest of its calls")
  void whatWasReservedAndNotAnsweredIsUnknown() throws IOException {
    StateDirectory directory = directory();
    Path path = directory.ledger(1);
    try (Ledger ledger = Ledger.create(path, 100_000, directory)) {
      ledger.reserve(0, 2, UNTIL);
      ledger.reserve(99_998, 100_000, UNTIL - 5); // an earlier end does not shorten the later one
      ledger.acknowledge(1, List.of(Outcome.ACCEPTED));
      assertThat(ledger.until()).isEqualTo(UNTIL);
    }
    Outcome unknown = new Outcome(Outcome.Kind.UNKNOWN, true, UNTIL, null);
    try (Ledger ledger = reopened(path, NO_BOUND)) {
      assertThat(ledger.outcomes(0, 3)).containsExactly(unknown, Outcome.ACCEPTED, null);
      assertThat(ledger.outcomes(99_997, 3)).containsExactly(null, unknown, unknown);
    }
    try (Ledger ledger = reopened(path, UNTIL - 60_000)) {
      assertThat(ledger.until()).as("whatever the file says").isEqualTo(UNTIL - 60_000);
    }
  }

  @Test
  @DisplayName("A-05, A-09: what a ledger says of a call is durable before the call is made")
  void whatItSaysIsDurableInTime() throws IOException {
    Steps steps = new Steps();
    StateDirectory directory = new StateDirectory(steps.disk.path(temporary), "crm", steps);
    directory.make();
    steps.take();
    try (Ledger ledger = Ledger.create(directory.ledger(1), 70_000, directory)) {
      assertThat(steps.take())
          .containsExactly(
              "create ledger-1",
              "create ledger-1.details",
              "create ledger-1.reasons",
              "LEDGER_MADE",
              "write ledger-1", // its head, and no outcome for each position
              "write ledger-1",
              "write ledger-1",
              "force ledger-1",
              "force crm",
              "LEDGER_READY");
      ledger.reserve(0, 4, UNTIL);
      assertThat(steps.take())
          .containsExactly(
              "write ledger-1", "CALLS_DATED", "write ledger-1", "force ledger-1", "RESERVED");
      ledger.reserve(4, 8, UNTIL);
      assertThat(steps.take()).containsExactly("write ledger-1", "force ledger-1", "RESERVED");
      ledger.acknowledge(0, List.of(Outcome.ACCEPTED, Outcome.ACCEPTED));
      assertThat(steps.take())
          .as("what was accepted and is lost is sent again")
          .containsExactly("ANSWERED", "write ledger-1", "ACKNOWLEDGED");
      ledger.acknowledge(2, List.of(rejected("C", "no"), Outcome.ACCEPTED));
      assertThat(steps.take())
          .as("what an outcome refers to is durable before the outcome")
          .containsExactly(
              "ANSWERED",
              "write ledger-1.reasons",
              "write ledger-1.details",
              "force ledger-1.details",
              "force ledger-1.reasons",
              "DETAILS_NOTED",
              "write ledger-1",
              "ACKNOWLEDGED");
      ledger.force();
      ledger.force();
      assertThat(steps.take()).as("once for what was written").containsExactly("force ledger-1");
    }
  }

  @Test
  void whatIsNoLedgerYetIsNone() throws IOException {
    Path path = directory().ledger(1);
    assertThat(Ledger.open(path, NO_BOUND)).isNull();
    Files.write(path, new byte[15]);
    assertThat(Ledger.open(path, NO_BOUND)).isNull();
  }

  @Test
  @DisplayName("P5: reasons are kept once each, whole up to 500 characters, and not without end")
  void reasonsAreBounded() throws IOException {
    StateDirectory directory = directory();
    Path path = directory.ledger(1);
    int different = 10_000;
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < different; i++) {
      outcomes.add(rejected("C", "reason " + i));
    }
    outcomes.add(rejected("C", "reason 7")); // is known
    outcomes.add(rejected("C", "one too many"));
    for (int i = 1; i < different; i++) {
      outcomes.add(rejected("C" + i, "one too many"));
    }
    outcomes.add(rejected("D", "none is left for this code"));
    try (Ledger ledger = Ledger.create(path, outcomes.size(), directory)) {
      ledger.reserve(0, outcomes.size(), UNTIL);
      ledger.acknowledge(0, outcomes);
    }
    try (Ledger ledger = reopened(path, NO_BOUND)) {
      @Nullable Outcome[] read = ledger.outcomes(0, outcomes.size());
      assertThat(List.of(read).subList(0, different + 1))
          .isEqualTo(outcomes.subList(0, different + 1));
      assertThat(read[different + 1]).isEqualTo(rejected("C", ""));
      assertThat(read[2 * different]).isEqualTo(rejected("C9999", ""));
      assertThat(read[2 * different + 1])
          .isEqualTo(new Outcome(Outcome.Kind.REJECTED, false, 0, null));
    }
  }

  @Test
  void longReasonsAreCutAndNoCharacterIsHalved() throws IOException {
    StateDirectory directory = directory();
    Path path = directory.ledger(1);
    String smile = "\uD83D\uDE00";
    List<String> messages =
        List.of("x".repeat(500), "x".repeat(501), "x".repeat(499) + smile, "", smile.repeat(250));
    try (Ledger ledger = Ledger.create(path, messages.size(), directory)) {
      ledger.reserve(0, messages.size(), UNTIL);
      ledger.acknowledge(0, messages.stream().map(message -> rejected("C", message)).toList());
    }
    try (Ledger ledger = reopened(path, NO_BOUND)) {
      assertThat(ledger.outcomes(0, messages.size()))
          .extracting(outcome -> outcome.reason().message())
          .containsExactly(
              "x".repeat(500), "x".repeat(500), "x".repeat(499), "", smile.repeat(250));
    }
  }
}
