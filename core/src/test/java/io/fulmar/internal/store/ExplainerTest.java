package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Explanation;
import io.fulmar.Explanation.Accepted;
import io.fulmar.Explanation.InSource;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Why a key is sent or not, for every rule; what is said agrees with what is planned. */
@DisplayName("explain")
class ExplainerTest {
  private static final Version A = new Version(1, 1);
  private static final Version B = new Version(2, 2);
  private static final Version C = new Version(3, 3);
  private static final Version ID = new Version(9, 9);
  private static final long NOW = 1_000_000;
  private static final Row KEY = row();
  private static final Row ROW = row();

  private SyncMode mode = SyncMode.UPSERT;
  private Removal removal = Removal.DELETE;
  private final Set<String> seen = new TreeSet<>();

  private static Row row() {
    return ImageRow.ofKey(Shape.of(List.of(), List.of(), List.of()), new byte[0]);
  }

  private static Memory memory(@Nullable Version accepted, @Nullable Hold hold) {
    return new Memory(accepted, 0, hold, 0);
  }

  private static Hold hold(@Nullable Version version, HoldKind kind) {
    return new Hold(version, kind, 2, 500, ID, false, new Hold.Reason("BAD", "no"));
  }

  private static Hold unsure(@Nullable Version version) {
    return new Hold(version, HoldKind.OPEN, 0, 500, ID, true, null);
  }

  /** Of which only the unsure mark is left: its next attempt is a new one. */
  private static Hold bare(Version version) {
    return new Hold(version, HoldKind.OPEN, 0, 0, null, true, null);
  }

  private Explanation explain(int rows, @Nullable Version version, Memory memory) {
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("m", "select 1 as id").key("id"))
            .to(Destination.of("d", batch -> Delivery.allAccepted()))
            .mode(mode)
            .onRemoved(removal)
            .build();
    Rules rules = new Rules(mode, removal, true, 10, Duration.ofHours(24), null);
    return Explainer.explain(sync, rules, KEY, rows, version, ROW, memory, NOW);
  }

  private void assertRule(
      @Nullable Version version, Memory memory, @Nullable Operation planned, String rule) {
    Explanation explanation = explain(version == null ? 0 : 1, version, memory);
    assertThat(explanation.rule() + " " + explanation.next())
        .as("%s, %s under %s and %s", version, memory, mode, removal)
        .isEqualTo(rule + " " + planned);
    seen.add(rule);
  }

  @Test
  @DisplayName("5a: every rule has its case, and no rule is never given")
  void everyRuleHasItsCase() {
    assertRule(B, memory(null, null), Operation.ADDED, "new");
    assertRule(B, memory(null, hold(B, HoldKind.REJECTED)), Operation.ADDED, "new-again");
    assertRule(B, memory(null, unsure(B)), Operation.ADDED, "new-again");
    assertRule(B, memory(null, bare(B)), Operation.ADDED, "new");
    assertRule(B, memory(null, hold(C, HoldKind.REJECTED)), Operation.ADDED, "new");
    assertRule(B, memory(null, hold(B, HoldKind.QUARANTINED)), null, "held");
    assertRule(B, memory(A, hold(B, HoldKind.SKIPPED)), null, "held");
    assertRule(null, memory(null, null), null, "unknown-key");
    assertRule(null, memory(null, hold(B, HoldKind.REJECTED)), null, "absent");
    assertRule(null, memory(null, unsure(B)), Operation.REMOVED, "take-back");
    assertRule(null, memory(null, hold(null, HoldKind.REJECTED)), Operation.REMOVED, "take-back");
    assertRule(null, memory(A, hold(null, HoldKind.QUARANTINED)), null, "held");
    assertRule(A, memory(A, null), null, "same");
    assertRule(A, memory(A, hold(B, HoldKind.REJECTED)), null, "came-back");
    assertRule(A, memory(A, unsure(B)), Operation.CHANGED, "confirm");
    assertRule(A, memory(A, hold(A, HoldKind.REJECTED)), Operation.CHANGED, "confirm");
    assertRule(A, memory(A, hold(A, HoldKind.SKIPPED)), null, "held");
    assertRule(B, memory(A, null), Operation.CHANGED, "changed");
    assertRule(B, memory(A, hold(C, HoldKind.QUARANTINED)), Operation.CHANGED, "changed");
    assertRule(B, memory(A, hold(B, HoldKind.OPEN)), Operation.CHANGED, "changed-again");
    assertRule(B, memory(A, bare(B)), Operation.CHANGED, "changed");
    assertRule(null, memory(A, null), Operation.REMOVED, "removed");
    assertRule(null, memory(A, hold(B, HoldKind.QUARANTINED)), Operation.REMOVED, "removed");
    assertRule(null, memory(A, hold(null, HoldKind.OPEN)), Operation.REMOVED, "removed-again");
    removal = Removal.IGNORE;
    assertRule(null, memory(A, null), null, "removal-ignored");
    assertRule(null, new Memory(A, 77, null, 0), null, "removal-ignored");
    mode = SyncMode.INSERT;
    assertRule(B, memory(A, null), null, "inserted-once");
    assertRule(A, memory(A, null), null, "same");
    mode = SyncMode.ALL;
    assertRule(A, memory(A, null), Operation.CHANGED, "every-run");
    assertThat(explain(2, null, memory(A, unsure(B))).rule()).isEqualTo("ambiguous");
    seen.add("ambiguous");

    List<String> all = EnumSet.allOf(Explainer.Rule.class).stream().map(r -> r.id()).toList();
    assertThat(seen).containsExactlyInAnyOrderElementsOf(all);
  }

  @Test
  @DisplayName("what is explained is what is planned, for every memory and setting")
  void explanationAgreesWithThePlan() {
    for (SyncMode someMode : SyncMode.values()) {
      for (Removal someRemoval : Removal.values()) {
        mode = someMode;
        removal = someRemoval;
        Rules rules = new Rules(mode, removal, true, 10, Duration.ofHours(24), null);
        for (Memory memory : memories()) {
          for (Version version : new @Nullable Version[] {null, A, B}) {
            Explanation explanation = explain(version == null ? 0 : 1, version, memory);
            assertThat(explanation.next()).isEqualTo(rules.decide(version, memory).planned());
            assertThat(explanation.text())
                .startsWith(
                    explanation.next() == null
                        ? "The next run does not send this key: "
                        : "The next run sends this key as " + explanation.next() + ": ");
          }
        }
      }
    }
  }

  private static List<Memory> memories() {
    List<Memory> memories = new java.util.ArrayList<>();
    for (Version accepted : new @Nullable Version[] {null, A}) {
      for (long gone : accepted == null ? new long[] {0} : new long[] {0, 5}) {
        memories.add(new Memory(accepted, gone, null, NOW + 5_000));
        for (Version of : new @Nullable Version[] {null, A, B, C}) {
          for (HoldKind kind : HoldKind.values()) {
            memories.add(new Memory(accepted, gone, hold(of, kind), 0));
            memories.add(new Memory(accepted, gone, new Hold(of, kind, 0, 0, null, true, null), 0));
          }
        }
      }
    }
    return memories;
  }

  @Test
  void readmeListsTheRules() throws IOException {
    String readme = Files.readString(Path.of("..", "README.md"));
    int from = readme.indexOf("## Why was my row not sent?");
    assertThat(from).isPositive();
    String section = readme.substring(from, readme.indexOf("\n## ", from + 1));
    List<String> listed =
        Pattern.compile("(?m)^\\| `([a-z-]+)` \\|")
            .matcher(section)
            .results()
            .map(row -> row.group(1))
            .toList();
    List<String> all = EnumSet.allOf(Explainer.Rule.class).stream().map(r -> r.id()).toList();
    assertThat(listed).containsExactlyInAnyOrderElementsOf(all);
  }

  @Test
  void textSaysWhatIsHeldAndUntilWhenACallMayAct() {
    Memory memory = new Memory(A, 0, hold(B, HoldKind.REJECTED), NOW + 5_000);
    assertThat(explain(1, B, memory).text())
        .isEqualTo(
            "The next run sends this key as CHANGED: its row differs from what was accepted and is"
                + " tried again. Not before 1970-01-01T00:16:45Z, because a call that gave no"
                + " answer may act until then. Remembered as REJECTED after 2 attempts: BAD: no.");
  }

  @Test
  void oneRowIsShownAndSeveralAreNot() {
    Explanation absent = explain(0, null, memory(A, null));
    assertThat(absent.source()).isEqualTo(InSource.ABSENT);
    assertThat(absent.row()).isNull();
    Explanation present = explain(1, B, memory(A, null));
    assertThat(present.source()).isEqualTo(InSource.PRESENT);
    assertThat(present.row()).isSameAs(ROW);
    Explanation ambiguous = explain(2, B, memory(A, unsure(B)));
    assertThat(ambiguous.source()).isEqualTo(InSource.AMBIGUOUS);
    assertThat(ambiguous.row()).isNull();
    assertThat(ambiguous.next()).isNull();
    assertThat(ambiguous.rule()).isEqualTo("ambiguous");
  }

  @Test
  void acceptedVersionIsThisOneAnotherOrNone() {
    assertThat(explain(1, A, memory(A, null)).accepted()).isEqualTo(Accepted.THIS_VERSION);
    assertThat(explain(1, B, memory(A, null)).accepted()).isEqualTo(Accepted.OTHER_VERSION);
    assertThat(explain(0, null, memory(A, null)).accepted()).isEqualTo(Accepted.OTHER_VERSION);
    assertThat(explain(1, A, memory(null, hold(A, HoldKind.REJECTED))).accepted())
        .isEqualTo(Accepted.NOTHING);
  }

  @Test
  void whatIsGoneIsSaid() {
    removal = Removal.IGNORE;
    assertThat(explain(0, null, new Memory(A, 77, null, 0)).gone()).isTrue();
    assertThat(explain(0, null, memory(A, null)).gone()).isFalse();
  }

  @Test
  @DisplayName("a call may act before the moment that is remembered, not at it")
  void callMayActUntilTheMomentThatIsRemembered() {
    Explanation over = explain(1, B, new Memory(A, 0, null, NOW));
    assertThat(over.mayActUntil()).isNull();
    assertThat(over.text())
        .isEqualTo(
            "The next run sends this key as CHANGED: its row differs from what was accepted.");
    Explanation still = explain(1, B, new Memory(A, 0, null, NOW + 1));
    assertThat(still.mayActUntil()).isEqualTo(Instant.ofEpochMilli(NOW + 1));
    assertThat(still.text())
        .isEqualTo(
            "The next run sends this key as CHANGED: its row differs from what was accepted. Not"
                + " before 1970-01-01T00:16:40.001Z, because a call that gave no answer may act"
                + " until then.");
    Explanation unsent = explain(1, A, new Memory(A, 0, null, NOW + 1));
    assertThat(unsent.mayActUntil()).isEqualTo(Instant.ofEpochMilli(NOW + 1));
    assertThat(unsent.text())
        .as("what is not sent has no moment before which it is not sent")
        .isEqualTo(
            "The next run does not send this key: the destination has accepted its row as it is.");
  }

  @Test
  @DisplayName("attempts are said if there are any, and a reason if somebody gave one")
  void holdWithoutAttemptsAndReasonIsSaidShortly() {
    String sent =
        "The next run sends this key as CHANGED: its row differs from what was accepted and is"
            + " tried again. Remembered as ";
    assertThat(explain(1, B, memory(A, unsure(B))).text()).isEqualTo(sent + "OPEN.");
    Hold first = new Hold(B, HoldKind.REJECTED, 1, 500, ID, false, new Hold.Reason("E1", ""));
    assertThat(explain(1, B, memory(A, first)).text())
        .isEqualTo(sent + "REJECTED after 1 attempts: E1.");
  }

  @Test
  void heldChangeIsSeenWithAllThatIsRemembered() {
    assertThat(explain(1, A, memory(A, null)).held()).isNull();
    assertThat(explain(1, B, memory(A, hold(B, HoldKind.QUARANTINED))).held())
        .isEqualTo(
            new HeldChange(
                KEY,
                HoldKind.QUARANTINED,
                HeldChange.Subject.ROW,
                2,
                Instant.ofEpochMilli(500),
                "00000000000000090000000000000009",
                false,
                "BAD",
                "no"));
    Hold removed = new Hold(null, HoldKind.OPEN, 0, 0, null, true, null);
    assertThat(explain(0, null, memory(A, removed)).held())
        .isEqualTo(
            new HeldChange(
                KEY, HoldKind.OPEN, HeldChange.Subject.REMOVAL, 0, null, null, true, null, null));
  }
}
