package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every row of the three tables of section 5a, and the sentences around them, against {@link
 * Rules}.
 *
 * <p>The cases are written as the tables are: W is the version in the source, A the accepted one, H
 * the hold; a, b and c are versions, ∅ is none, or a removal. A hold has two attempts and a change
 * id of its own, unless the case says otherwise; "bare" is a hold of which only the unsure mark is
 * left. The row for an ambiguous key (W = ?) is not here: such a key never reaches the rules.
 */
@DisplayName("P1, P3, section 5a: what is planned and what is remembered")
class RulesTest {
  private static final long HOUR = Duration.ofHours(1).toMillis();
  private static final long FIRST = 1_000 * HOUR;
  private static final long NOW = FIRST + HOUR;
  private static final Version HELD_ID = new Version(7, 7);
  private static final Version NEW_ID = new Version(8, 8);
  private static final Hold.Reason SAID = new Hold.Reason("NO", "not like this");

  @Test
  void theNotationOfTheCasesSaysWhatItSeemsToSay() {
    assertThat(memory("a gone", "REJECTED b unsure"))
        .isEqualTo(
            new Memory(
                new Version('a', 0),
                FIRST,
                new Hold(new Version('b', 0), HoldKind.REJECTED, 2, FIRST, HELD_ID, true, SAID),
                0));
    assertThat(memory("∅", "none")).isEqualTo(Memory.NONE);
    assertThat(show(memory("a gone", "REJECTED b unsure")))
        .isEqualTo("A a gone, H REJECTED b, 2 attempts, same id, unsure");
  }

  @Nested
  @DisplayName("5a, first table (W, A, H: planned)")
  class Planning {

    @DisplayName("b | ∅ | none: ADDED b")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(delimiter = '|', textBlock = "b | ∅ | none | ADDED b, attempt 1, new id")
    void newRowIsAdded(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("b | ∅ | REJECTED or OPEN b / of other content: ADDED b, next / first attempt")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅ | REJECTED b           | ADDED b, attempt 3, same id
            b | ∅ | REJECTED b unsure    | ADDED b, attempt 3, same id
            b | ∅ | OPEN b unsure        | ADDED b, attempt 3, same id
            b | ∅ | REJECTED c           | ADDED b, attempt 1, new id
            b | ∅ | REJECTED c unsure    | ADDED b, attempt 1, new id
            b | ∅ | OPEN c unsure        | ADDED b, attempt 1, new id
            b | ∅ | QUARANTINED c        | ADDED b, attempt 1, new id
            b | ∅ | QUARANTINED c unsure | ADDED b, attempt 1, new id
            b | ∅ | SKIPPED c            | ADDED b, attempt 1, new id
            b | ∅ | SKIPPED c unsure     | ADDED b, attempt 1, new id
            b | ∅ | REJECTED ∅ unsure    | ADDED b, attempt 1, new id
            b | ∅ | OPEN ∅ unsure        | ADDED b, attempt 1, new id
            b | ∅ | QUARANTINED ∅ unsure | ADDED b, attempt 1, new id
            b | ∅ | bare b               | ADDED b, attempt 1, new id
            b | ∅ | bare c               | ADDED b, attempt 1, new id
            """)
    void rowThatWasNotAcceptedIsAddedAgain(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("b | ∅ or a | QUARANTINED or SKIPPED b: nothing (held)")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅ | QUARANTINED b        | nothing, held
            b | ∅ | QUARANTINED b unsure | nothing, held
            b | ∅ | SKIPPED b            | nothing, held
            b | ∅ | SKIPPED b unsure     | nothing, held
            b | a | QUARANTINED b        | nothing, held
            b | a | QUARANTINED b unsure | nothing, held
            b | a | SKIPPED b            | nothing, held
            b | a | SKIPPED b unsure     | nothing, held
            """)
    void heldVersionIsNotPlanned(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("∅ | ∅ | of a row version, not unsure: nothing; H dropped")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | ∅ | REJECTED b    | nothing, H dropped
            ∅ | ∅ | QUARANTINED b | nothing, H dropped
            ∅ | ∅ | SKIPPED b     | nothing, H dropped
            ∅ | ∅ | none          | nothing
            """)
    void rowThatNeverArrivedAndIsGoneIsForgotten(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("∅ | ∅ | of a row version, unsure; REJECTED or OPEN ∅: REMOVED")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | ∅ | REJECTED b unsure    | REMOVED ∅, attempt 1, new id
            ∅ | ∅ | OPEN b unsure        | REMOVED ∅, attempt 1, new id
            ∅ | ∅ | QUARANTINED b unsure | REMOVED ∅, attempt 1, new id
            ∅ | ∅ | SKIPPED b unsure     | REMOVED ∅, attempt 1, new id
            ∅ | ∅ | bare b               | REMOVED ∅, attempt 1, new id
            ∅ | ∅ | bare ∅               | REMOVED ∅, attempt 1, new id
            ∅ | ∅ | REJECTED ∅           | REMOVED ∅, attempt 3, same id
            ∅ | ∅ | REJECTED ∅ unsure    | REMOVED ∅, attempt 3, same id
            ∅ | ∅ | OPEN ∅ unsure        | REMOVED ∅, attempt 3, same id
            """)
    void rowThatMayBeOutThereIsRemoved(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("∅ | ∅ or a | QUARANTINED or SKIPPED ∅: nothing (held)")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | ∅ | QUARANTINED ∅        | nothing, held
            ∅ | ∅ | QUARANTINED ∅ unsure | nothing, held
            ∅ | ∅ | SKIPPED ∅            | nothing, held
            ∅ | ∅ | SKIPPED ∅ unsure     | nothing, held
            ∅ | a | QUARANTINED ∅        | nothing, held
            ∅ | a | QUARANTINED ∅ unsure | nothing, held
            ∅ | a | SKIPPED ∅            | nothing, held
            ∅ | a | SKIPPED ∅ unsure     | nothing, held
            """)
    void heldRemovalIsNotPlanned(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("a | a | none: nothing; gone cleared")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            a | a      | none | nothing
            a | a gone | none | nothing, gone cleared
            """)
    void acceptedRowIsNotPlanned(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("a | a | of b or ∅ (came back), not unsure: nothing; H dropped")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            a | a      | REJECTED b    | nothing, H dropped
            a | a      | QUARANTINED b | nothing, H dropped
            a | a      | SKIPPED b     | nothing, H dropped
            a | a      | REJECTED ∅    | nothing, H dropped
            a | a      | QUARANTINED ∅ | nothing, H dropped
            a | a      | SKIPPED ∅     | nothing, H dropped
            a | a gone | REJECTED ∅    | nothing, H dropped, gone cleared
            """)
    void rowThatCameBackToTheAcceptedVersionIsQuiet(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("a | a | of b or ∅, unsure; OPEN or REJECTED a: CHANGED a")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            a | a      | REJECTED b unsure    | CHANGED a, attempt 1, new id
            a | a      | OPEN b unsure        | CHANGED a, attempt 1, new id
            a | a      | QUARANTINED b unsure | CHANGED a, attempt 1, new id
            a | a      | SKIPPED b unsure     | CHANGED a, attempt 1, new id
            a | a      | REJECTED ∅ unsure    | CHANGED a, attempt 1, new id
            a | a      | OPEN ∅ unsure        | CHANGED a, attempt 1, new id
            a | a      | QUARANTINED ∅ unsure | CHANGED a, attempt 1, new id
            a | a      | bare b               | CHANGED a, attempt 1, new id
            a | a      | bare a               | CHANGED a, attempt 1, new id
            a | a      | REJECTED a           | CHANGED a, attempt 3, same id
            a | a      | REJECTED a unsure    | CHANGED a, attempt 3, same id
            a | a      | OPEN a unsure        | CHANGED a, attempt 3, same id
            a | a gone | bare ∅               | CHANGED a, attempt 1, new id, gone cleared
            """)
    void acceptedVersionIsSentAgainWhenAnotherMayHaveOverwrittenIt(
        String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("a | a | QUARANTINED or SKIPPED a: nothing (held)")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            a | a      | QUARANTINED a        | nothing, held
            a | a      | QUARANTINED a unsure | nothing, held
            a | a      | SKIPPED a            | nothing, held
            a | a      | SKIPPED a unsure     | nothing, held
            a | a gone | QUARANTINED a        | nothing, held, gone cleared
            """)
    void heldAcceptedVersionIsNotPlanned(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("b | a | none, or of other content: CHANGED b")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | a      | none                 | CHANGED b, attempt 1, new id
            b | a      | REJECTED c           | CHANGED b, attempt 1, new id
            b | a      | REJECTED a           | CHANGED b, attempt 1, new id
            b | a      | OPEN c unsure        | CHANGED b, attempt 1, new id
            b | a      | QUARANTINED c        | CHANGED b, attempt 1, new id
            b | a      | SKIPPED c unsure     | CHANGED b, attempt 1, new id
            b | a      | REJECTED ∅           | CHANGED b, attempt 1, new id
            b | a      | QUARANTINED ∅ unsure | CHANGED b, attempt 1, new id
            b | a gone | none                 | CHANGED b, attempt 1, new id, gone cleared
            """)
    void otherVersionIsChanged(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("b | a | REJECTED or OPEN b: CHANGED b, next attempt, same id")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | a | REJECTED b        | CHANGED b, attempt 3, same id
            b | a | REJECTED b unsure | CHANGED b, attempt 3, same id
            b | a | OPEN b unsure     | CHANGED b, attempt 3, same id
            b | a | bare b            | CHANGED b, attempt 1, new id
            """)
    void changeThatWasNotAcceptedIsTriedAgain(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("∅ | a | none, or any of a row version: REMOVED, also from quarantine")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | a      | none                 | REMOVED ∅, attempt 1, new id
            ∅ | a      | REJECTED b           | REMOVED ∅, attempt 1, new id
            ∅ | a      | OPEN b unsure        | REMOVED ∅, attempt 1, new id
            ∅ | a      | QUARANTINED b        | REMOVED ∅, attempt 1, new id
            ∅ | a      | QUARANTINED a unsure | REMOVED ∅, attempt 1, new id
            ∅ | a      | SKIPPED b            | REMOVED ∅, attempt 1, new id
            ∅ | a      | SKIPPED a            | REMOVED ∅, attempt 1, new id
            ∅ | a gone | none                 | REMOVED ∅, attempt 1, new id
            ∅ | a gone | bare ∅               | REMOVED ∅, attempt 1, new id
            """)
    void rowThatLeftIsRemoved(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("∅ | a | REJECTED or OPEN ∅: REMOVED, next attempt, same id")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | a      | REJECTED ∅        | REMOVED ∅, attempt 3, same id
            ∅ | a      | REJECTED ∅ unsure | REMOVED ∅, attempt 3, same id
            ∅ | a      | OPEN ∅ unsure     | REMOVED ∅, attempt 3, same id
            ∅ | a gone | REJECTED ∅        | REMOVED ∅, attempt 3, same id
            """)
    void removalThatWasNotAcceptedIsTriedAgain(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @Test
    @DisplayName("the time of the first attempt goes on with the attempts, and restarts with them")
    void timeOfTheFirstAttemptBelongsToTheAttempts() {
      assertThat(planned("b", "a", "REJECTED b").firstAt()).isEqualTo(FIRST);
      assertThat(planned("b", "a", "REJECTED c").firstAt()).isEqualTo(NOW);
      assertThat(planned("b", "a", "bare b").firstAt()).isEqualTo(NOW);
      assertThat(planned("b", "a", "none").firstAt()).isEqualTo(NOW);
    }

    private Planned planned(String w, String a, String h) {
      Memory memory = memory(a, h);
      Rules.Decision decision = UPSERT_DELETE.decide(version(w), memory);
      return UPSERT_DELETE.planned(decision, version(w), memory, NEW_ID, NOW);
    }
  }

  @Nested
  @DisplayName("5a, modes")
  class Modes {
    @DisplayName("UPDATE plans what UPSERT plans; only the action differs")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅ | none       | ADDED b, attempt 1, new id
            b | a | none       | CHANGED b, attempt 1, new id
            b | a | REJECTED b | CHANGED b, attempt 3, same id
            a | a | none       | nothing
            b | ∅ | SKIPPED b  | nothing, held
            ∅ | a | none       | REMOVED ∅, attempt 1, new id
            """)
    void updatePlansWhatUpsertPlans(String w, String a, String h, String expected) {
      assertThat(plan(rules(SyncMode.UPDATE, Removal.DELETE), w, a, h)).isEqualTo(expected);
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("INSERT: changed is not planned and A stays; if unsure it is")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅      | none                 | ADDED b, attempt 1, new id
            b | ∅      | REJECTED b           | ADDED b, attempt 3, same id
            b | ∅      | SKIPPED b            | nothing, held
            b | a      | none                 | nothing
            b | a      | REJECTED b           | nothing
            b | a      | REJECTED c           | nothing, H dropped
            b | a      | QUARANTINED b        | nothing, held
            b | a      | OPEN b unsure        | CHANGED b, attempt 3, same id
            b | a      | OPEN c unsure        | CHANGED b, attempt 1, new id
            a | a      | REJECTED b unsure    | CHANGED a, attempt 1, new id
            a | a      | REJECTED a           | nothing
            b | a gone | none                 | nothing, gone cleared
            ∅ | a      | none                 | REMOVED ∅, attempt 1, new id
            """)
    void insertSendsWhatIsNewOrUnsure(String w, String a, String h, String expected) {
      assertThat(plan(rules(SyncMode.INSERT, Removal.DELETE), w, a, h)).isEqualTo(expected);
    }

    @DisplayName("ALL: every valid row each run; held ones stay held")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            a | a      | none          | CHANGED a, attempt 1, new id
            a | a gone | none          | CHANGED a, attempt 1, new id, gone cleared
            a | a      | REJECTED a    | CHANGED a, attempt 3, same id
            a | a      | REJECTED b    | CHANGED a, attempt 1, new id
            a | a      | QUARANTINED a | nothing, held
            a | a      | SKIPPED a     | nothing, held
            b | a      | SKIPPED b     | nothing, held
            b | a      | none          | CHANGED b, attempt 1, new id
            b | ∅      | none          | ADDED b, attempt 1, new id
            ∅ | a      | none          | REMOVED ∅, attempt 1, new id
            ∅ | ∅      | none          | nothing
            """)
    void allSendsEveryRow(String w, String a, String h, String expected) {
      assertThat(plan(rules(SyncMode.ALL, Removal.DELETE), w, a, h)).isEqualTo(expected);
    }

    @DisplayName("a change of mode or removal turns SKIPPED into REJECTED, attempts 0")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅ | SKIPPED b            | ADDED b, attempt 1, same id
            b | a | SKIPPED b unsure     | CHANGED b, attempt 1, same id
            a | a | SKIPPED a            | CHANGED a, attempt 1, same id
            ∅ | a | SKIPPED ∅            | REMOVED ∅, attempt 1, same id
            ∅ | ∅ | SKIPPED ∅ unsure     | REMOVED ∅, attempt 1, same id
            b | a | SKIPPED c            | CHANGED b, attempt 1, new id
            a | a | SKIPPED b            | nothing, H dropped
            b | ∅ | QUARANTINED b        | nothing, held
            b | ∅ | REJECTED b           | ADDED b, attempt 3, same id
            """)
    void changeOfSettingsGivesSkippedChangesAnotherTry(
        String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_DELETE_ANEW, w, a, h)).isEqualTo(expected);
    }

    @Test
    void skippedChangeThatIsNotSentUnderNewSettingsIsRejectedFromTheFoldOn() {
      Memory before = memory("a", "SKIPPED b unsure");

      Memory after = UPSERT_DELETE_ANEW.renew(before);

      assertThat(show(after)).isEqualTo("A a, H REJECTED b, 0 attempts, same id, unsure");
      assertThat(UPSERT_DELETE.renew(before)).isEqualTo(before);
    }

    @Test
    void attemptsUnderNewSettingsCountFromZero() {
      Memory memory = memory("∅", "SKIPPED b");
      Version b = version("b");
      Planned planned =
          UPSERT_DELETE_ANEW.planned(UPSERT_DELETE_ANEW.decide(b, memory), b, memory, NEW_ID, NOW);

      Memory after =
          UPSERT_DELETE_ANEW.settle(memory, planned, outcome(Outcome.Kind.REJECTED), NOW);

      assertThat(show(after)).isEqualTo("A ∅, H REJECTED b, 1 attempts, same id");
      assertThat(after.hold()).isNotNull().extracting(Hold::firstAt).isEqualTo(NOW);
    }
  }

  @Nested
  @DisplayName("5a, removals")
  class Removals {
    @DisplayName("CLEAR plans what DELETE plans; only the action differs")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | a | none          | REMOVED ∅, attempt 1, new id
            ∅ | a | REJECTED ∅    | REMOVED ∅, attempt 3, same id
            ∅ | a | QUARANTINED ∅ | nothing, held
            ∅ | ∅ | OPEN b unsure | REMOVED ∅, attempt 1, new id
            """)
    void clearPlansWhatDeletePlans(String w, String a, String h, String expected) {
      assertThat(plan(rules(SyncMode.UPSERT, Removal.CLEAR), w, a, h)).isEqualTo(expected);
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("IGNORE sends nothing: gone, the kind of H dropped, an unsure bit stays")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | a | none                 | nothing, gone, ignored
            ∅ | a | REJECTED b           | nothing, H dropped, gone, ignored
            ∅ | a | QUARANTINED b        | nothing, H dropped, gone, ignored
            ∅ | a | SKIPPED b            | nothing, H dropped, gone, ignored
            ∅ | a | REJECTED ∅           | nothing, H dropped, gone, ignored
            ∅ | a | REJECTED b unsure    | nothing, H bare, gone, ignored
            ∅ | a | OPEN ∅ unsure        | nothing, H bare, gone, ignored
            ∅ | a | QUARANTINED b unsure | nothing, H bare, gone, ignored
            ∅ | a | bare b               | nothing, gone, ignored
            ∅ | a | QUARANTINED ∅        | nothing, held
            """)
    void ignoredRemovalMakesTheKeyGone(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_IGNORE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("IGNORE: a gone key plans nothing and is counted once")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | a gone | none              | nothing
            ∅ | a gone | bare b            | nothing
            ∅ | a gone | REJECTED ∅        | nothing, H dropped
            ∅ | a gone | REJECTED ∅ unsure | nothing, H bare
            ∅ | a gone | OPEN ∅ unsure     | nothing, H bare
            ∅ | a gone | REJECTED b unsure | nothing, H bare
            ∅ | a gone | QUARANTINED ∅     | nothing, held
            """)
    void goneKeyIsQuietUnderIgnore(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_IGNORE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("IGNORE: a key that was never accepted is not gone; an unsure bit stays")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅ | ∅ | none              | nothing
            ∅ | ∅ | REJECTED b        | nothing, H dropped
            ∅ | ∅ | REJECTED b unsure | nothing, H bare
            ∅ | ∅ | OPEN b unsure     | nothing, H bare
            ∅ | ∅ | bare b            | nothing
            """)
    void keyThatWasNeverAcceptedIsNotGone(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_IGNORE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("a gone key that returns as a plans nothing (CHANGED a if unsure), as b CHANGED")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            a | a gone | none   | nothing, gone cleared
            a | a gone | bare a | CHANGED a, attempt 1, new id, gone cleared
            a | a gone | bare b | CHANGED a, attempt 1, new id, gone cleared
            b | a gone | none   | CHANGED b, attempt 1, new id, gone cleared
            b | a gone | bare b | CHANGED b, attempt 1, new id, gone cleared
            """)
    void goneKeyReturns(String w, String a, String h, String expected) {
      assertThat(plan(UPSERT_IGNORE, w, a, h)).isEqualTo(expected);
      assertThat(plan(UPSERT_DELETE, w, a, h)).isEqualTo(expected);
    }

    @Test
    @DisplayName("IGNORE changed to DELETE plans the gone keys")
    void goneKeysAreRemovedOnceRemovalsAreSent() {
      assertThat(plan(UPSERT_DELETE_ANEW, "∅", "a gone", "none"))
          .isEqualTo("REMOVED ∅, attempt 1, new id");
      assertThat(plan(UPSERT_DELETE_ANEW, "∅", "a gone", "bare b"))
          .isEqualTo("REMOVED ∅, attempt 1, new id");
    }

    @Test
    @DisplayName("gone is cleared by a fold whose plan saw a valid row, also if it was rejected")
    void goneIsClearedThoughTheReturningRowIsRejected() {
      Memory gone = memory("a gone", "none");
      Version b = version("b");
      Rules.Decision decision = UPSERT_IGNORE.decide(b, gone);
      Planned planned = UPSERT_IGNORE.planned(decision, b, gone, NEW_ID, NOW);

      Memory settled = UPSERT_IGNORE.settle(gone, planned, outcome(Outcome.Kind.REJECTED), NOW);

      assertThat(show(UPSERT_IGNORE.affect(settled, decision.effects(), NOW)))
          .isEqualTo("A a, H REJECTED b, 1 attempts, new id");
    }

    @Test
    void goneRemembersWhenTheKeyLeft() {
      Memory live = memory("a", "none");
      Rules.Decision left = UPSERT_IGNORE.decide(null, live);
      Memory gone = UPSERT_IGNORE.affect(live, left.effects(), NOW);

      assertThat(gone.goneSince()).isEqualTo(NOW);
      assertThat(UPSERT_IGNORE.affect(gone, Rules.SET_GONE, NOW + HOUR)).isEqualTo(gone);
    }

    @Test
    @DisplayName("gone keys are forgotten after forgetAfter (default never)")
    void goneKeysAreForgottenAfterAWhile() {
      Rules forgetting = rules(SyncMode.UPSERT, Removal.IGNORE, Duration.ofHours(5));
      Memory gone = memory("a gone", "none");

      assertThat(forgetting.expire(gone, FIRST + 5 * HOUR - 1)).isEqualTo(gone);
      assertThat(forgetting.expire(gone, FIRST + 5 * HOUR).isEmpty()).isTrue();
      assertThat(UPSERT_IGNORE.expire(gone, FIRST + 100_000 * HOUR)).isEqualTo(gone);
    }

    @Test
    void liveKeysAndUnsureOnesAreNotForgotten() {
      Rules forgetting = rules(SyncMode.UPSERT, Removal.IGNORE, Duration.ofHours(5));
      long later = FIRST + 100 * HOUR;

      assertThat(forgetting.expire(memory("a", "none"), later)).isEqualTo(memory("a", "none"));
      assertThat(forgetting.expire(memory("a gone", "bare b"), later))
          .isEqualTo(memory("a gone", "bare b"));
    }
  }

  @Nested
  @DisplayName("5a, second table (outcome for W: A, H)")
  class Settling {

    @DisplayName("accepted: A = W, H none")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅      | none                 | A b, H none
            b | a      | none                 | A b, H none
            b | a gone | none                 | A b, H none
            b | a      | REJECTED b           | A b, H none
            b | a      | OPEN c unsure        | A b, H none
            a | a      | REJECTED b unsure    | A a, H none
            ∅ | a      | none                 | A ∅, H none
            ∅ | a gone | none                 | A ∅, H none
            ∅ | ∅      | OPEN b unsure        | A ∅, H none
            ∅ | a      | REJECTED ∅ unsure    | A ∅, H none
            """)
    void acceptedChangeIsRemembered(String w, String a, String h, String expected) {
      assertThat(settle(Outcome.Kind.ACCEPTED, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("rejected: A stays, H REJECTED W, attempts + 1; unsure kept")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅      | none                 | A ∅, H REJECTED b, 1 attempts, new id
            b | a      | none                 | A a, H REJECTED b, 1 attempts, new id
            b | a      | REJECTED b           | A a, H REJECTED b, 3 attempts, same id
            b | a      | REJECTED c           | A a, H REJECTED b, 1 attempts, new id
            b | a      | REJECTED c unsure    | A a, H REJECTED b, 1 attempts, new id, unsure
            b | a      | OPEN b unsure        | A a, H REJECTED b, 3 attempts, same id, unsure
            b | a      | bare b               | A a, H REJECTED b, 1 attempts, new id, unsure
            a | a      | OPEN b unsure        | A a, H REJECTED a, 1 attempts, new id, unsure
            ∅ | a      | none                 | A a, H REJECTED ∅, 1 attempts, new id
            ∅ | a      | QUARANTINED b        | A a, H REJECTED ∅, 1 attempts, new id
            ∅ | a gone | none                 | A a gone, H REJECTED ∅, 1 attempts, new id
            ∅ | ∅      | REJECTED b unsure    | A ∅, H REJECTED ∅, 1 attempts, new id, unsure
            """)
    void rejectedChangeIsHeld(String w, String a, String h, String expected) {
      assertThat(settle(Outcome.Kind.REJECTED, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("rejected with others, bad rows not found: as rejected, attempts kept")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | a | none              | A a, H REJECTED b, 0 attempts, new id
            b | a | REJECTED b unsure | A a, H REJECTED b, 2 attempts, same id, unsure
            b | ∅ | OPEN c unsure     | A ∅, H REJECTED b, 0 attempts, new id, unsure
            """)
    void rejectionThatNamesNoRowIsNoAttempt(String w, String a, String h, String expected) {
      assertThat(settle(Outcome.Kind.REJECTED_TOGETHER, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("skipped: A stays, H SKIPPED W; unsure kept")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅ | none              | A ∅, H SKIPPED b, 0 attempts, new id
            b | a | none              | A a, H SKIPPED b, 0 attempts, new id
            b | a | REJECTED b        | A a, H SKIPPED b, 2 attempts, same id
            b | ∅ | OPEN b unsure     | A ∅, H SKIPPED b, 2 attempts, same id, unsure
            b | ∅ | OPEN c unsure     | A ∅, H SKIPPED b, 0 attempts, new id, unsure
            ∅ | a | REJECTED b unsure | A a, H SKIPPED ∅, 0 attempts, new id, unsure
            """)
    void skippedChangeIsHeld(String w, String a, String h, String expected) {
      assertThat(settle(Outcome.Kind.SKIPPED, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("unknown in a batch of several: A stays, H V = W, unsure; OPEN or as it was")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅ | none                 | A ∅, H OPEN b, 0 attempts, new id, unsure
            b | a | none                 | A a, H OPEN b, 0 attempts, new id, unsure
            b | a | REJECTED b           | A a, H REJECTED b, 2 attempts, same id, unsure
            b | a | OPEN b unsure        | A a, H OPEN b, 2 attempts, same id, unsure
            b | a | REJECTED c           | A a, H OPEN b, 0 attempts, new id, unsure
            b | a | bare b               | A a, H OPEN b, 0 attempts, new id, unsure
            ∅ | a | none                 | A a, H OPEN ∅, 0 attempts, new id, unsure
            ∅ | a | QUARANTINED b        | A a, H OPEN ∅, 0 attempts, new id, unsure
            ∅ | ∅ | REJECTED ∅ unsure    | A ∅, H REJECTED ∅, 2 attempts, same id, unsure
            """)
    void unknownOutcomeIsUnsure(String w, String a, String h, String expected) {
      assertThat(settle(Outcome.Kind.UNKNOWN, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("unknown alone: as unknown, attempts + 1")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅ | none          | A ∅, H OPEN b, 1 attempts, new id, unsure
            b | a | REJECTED b    | A a, H REJECTED b, 3 attempts, same id, unsure
            b | a | OPEN b unsure | A a, H OPEN b, 3 attempts, same id, unsure
            ∅ | a | none          | A a, H OPEN ∅, 1 attempts, new id, unsure
            """)
    void unknownOutcomeOfABatchOfOneIsAnAttempt(String w, String a, String h, String expected) {
      assertThat(settle(Outcome.Kind.UNKNOWN_ALONE, w, a, h)).isEqualTo(expected);
    }

    @DisplayName("not applied, aborted, deferred: unchanged")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅      | none                 | A ∅, H none
            b | a      | REJECTED b           | A a, H REJECTED b, 2 attempts, same id
            b | a      | REJECTED c           | A a, H REJECTED c, 2 attempts, same id
            b | a      | OPEN c unsure        | A a, H OPEN c, 2 attempts, same id, unsure
            ∅ | a gone | QUARANTINED b unsure | A a gone, H QUARANTINED b, 2 attempts, same id, unsure
            """)
    void changeThatWasNotTriedLeavesEverythingAsItWas(
        String w, String a, String h, String expected) {
      assertThat(settle(Outcome.Kind.NOT_TRIED, w, a, h)).isEqualTo(expected);
    }

    @Test
    void whatTheDestinationSaidIsRemembered() {
      Memory after = settled(outcome(Outcome.Kind.REJECTED), "b", "a", "none");

      assertThat(after.hold()).isNotNull().extracting(Hold::reason).isEqualTo(SAID);
    }
  }

  @Nested
  @DisplayName("5a, outcomes of several calls are joined")
  class Joined {

    @DisplayName("after one unknown call the change is unsure, whatever is answered later")
    @ParameterizedTest(name = "unknown, then {0}: {1}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ACCEPTED          | A b, H none
            REJECTED          | A a, H REJECTED b, 1 attempts, new id, unsure
            SKIPPED           | A a, H SKIPPED b, 0 attempts, new id, unsure
            UNKNOWN           | A a, H OPEN b, 0 attempts, new id, unsure
            UNKNOWN_ALONE     | A a, H OPEN b, 1 attempts, new id, unsure
            REJECTED_TOGETHER | A a, H REJECTED b, 0 attempts, new id, unsure
            NOT_TRIED         | A a, H OPEN b, 0 attempts, new id, unsure
            """)
    void onlyAnAcceptanceMakesSure(Outcome.Kind then, String expected) {
      boolean unsure = then != Outcome.Kind.ACCEPTED;
      Outcome joined = new Outcome(then, unsure, NOW + HOUR, null);

      assertThat(show(settled(joined, "b", "a", "none"))).isEqualTo(expected);
    }

    @DisplayName("the unsure bit of earlier runs stays until an acceptance")
    @ParameterizedTest(name = "unsure before, then {0}: {1}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ACCEPTED          | A b, H none
            REJECTED          | A a, H REJECTED b, 1 attempts, new id, unsure
            SKIPPED           | A a, H SKIPPED b, 0 attempts, new id, unsure
            UNKNOWN           | A a, H OPEN b, 0 attempts, new id, unsure
            NOT_TRIED         | A a, H QUARANTINED c, 2 attempts, same id, unsure
            """)
    void unsureStaysThroughLaterRuns(Outcome.Kind then, String expected) {
      assertThat(settle(then, "b", "a", "QUARANTINED c unsure")).isEqualTo(expected);
    }

    @Test
    @DisplayName("an unknown call and then none: V = W, id kept, so that the next run repeats it")
    void unknownThenNotAppliedKeepsTheId() {
      Outcome joined = new Outcome(Outcome.Kind.NOT_TRIED, true, NOW + HOUR, null);
      Memory after = settled(joined, "b", "a", "REJECTED b");
      Version b = version("b");

      assertThat(show(after)).isEqualTo("A a, H REJECTED b, 2 attempts, same id, unsure");
      assertThat(
              UPSERT_DELETE
                  .planned(UPSERT_DELETE.decide(b, after), b, after, NEW_ID, NOW)
                  .changeId())
          .isEqualTo(HELD_ID);
    }
  }

  @Nested
  @DisplayName("P3: quarantine after 10 attempts and 24 hours since the first")
  class Quarantine {

    @DisplayName("quarantined only when both limits are reached")
    @ParameterizedTest(name = "attempt {0}, {1} hours after the first, {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
             9 | 100 | REJECTED      | REJECTED
            10 |  23 | REJECTED      | REJECTED
            10 |  24 | REJECTED      | QUARANTINED
            50 |  23 | REJECTED      | REJECTED
            50 |  24 | REJECTED      | QUARANTINED
             9 | 100 | UNKNOWN_ALONE | REJECTED
            10 |  23 | UNKNOWN_ALONE | REJECTED
            10 |  24 | UNKNOWN_ALONE | QUARANTINED
            10 |  24 | UNKNOWN       | REJECTED
            10 |  24 | NOT_TRIED     | REJECTED
            """)
    void bothLimitsCount(int attempt, long hours, Outcome.Kind answer, HoldKind expected) {
      Hold before = hold("REJECTED b", attempt - 1, HELD_ID);
      Memory memory = new Memory(version("a"), 0, before, 0);
      long now = FIRST + hours * HOUR;
      Version b = version("b");
      Planned planned =
          UPSERT_DELETE.planned(UPSERT_DELETE.decide(b, memory), b, memory, NEW_ID, now);

      Memory after = UPSERT_DELETE.settle(memory, planned, outcome(answer), now);

      assertThat(after.hold()).isNotNull().extracting(Hold::kind).isEqualTo(expected);
    }

    @Test
    void bareUnsureMarkDoesNotMakeTheFirstAttemptOld() {
      Rules atOnce =
          new Rules(SyncMode.UPSERT, Removal.DELETE, true, 1, Duration.ofHours(24), null);
      Memory memory = memory("a", "bare b");
      Version b = version("b");
      Planned planned = atOnce.planned(atOnce.decide(b, memory), b, memory, NEW_ID, NOW);

      Memory after = atOnce.settle(memory, planned, outcome(Outcome.Kind.REJECTED), NOW);

      assertThat(after.hold()).isNotNull().extracting(Hold::kind).isEqualTo(HoldKind.REJECTED);
    }

    @Test
    void quarantinedVersionStaysHeldUntilTheContentChanges() {
      assertThat(plan(UPSERT_DELETE, "b", "a", "QUARANTINED b")).isEqualTo("nothing, held");
      assertThat(plan(UPSERT_DELETE, "c", "a", "QUARANTINED b"))
          .isEqualTo("CHANGED c, attempt 1, new id");
    }

    @Test
    void quarantinedChangeKeepsItsUnsureMark() {
      Memory memory = new Memory(null, 0, hold("OPEN b unsure", 9, HELD_ID), 0);
      Version b = version("b");
      long now = FIRST + 24 * HOUR;
      Planned planned =
          UPSERT_DELETE.planned(UPSERT_DELETE.decide(b, memory), b, memory, NEW_ID, now);

      Memory after =
          UPSERT_DELETE.settle(memory, planned, outcome(Outcome.Kind.UNKNOWN_ALONE), now);

      assertThat(show(after)).isEqualTo("A ∅, H QUARANTINED b, 10 attempts, same id, unsure");
    }
  }

  @Nested
  @DisplayName("5a: until outlives hold and acceptance")
  class Until {
    private static final long UNTIL = NOW + HOUR;

    @DisplayName("the moment until which a call may act is kept")
    @ParameterizedTest(name = "{0}")
    @CsvSource({"ACCEPTED", "REJECTED", "SKIPPED", "UNKNOWN", "UNKNOWN_ALONE", "NOT_TRIED"})
    void outcomeKeepsUntil(Outcome.Kind kind) {
      Outcome late = new Outcome(kind, kind != Outcome.Kind.ACCEPTED, UNTIL, null);

      assertThat(settled(late, "b", "a", "none").until()).isEqualTo(UNTIL);
    }

    @Test
    void earlierUntilIsKeptWhenItIsTheLaterOne() {
      Memory memory = new Memory(version("a"), 0, null, UNTIL);
      Version b = version("b");
      Planned planned =
          UPSERT_DELETE.planned(UPSERT_DELETE.decide(b, memory), b, memory, NEW_ID, NOW);

      Memory accepted = UPSERT_DELETE.settle(memory, planned, Outcome.ACCEPTED, NOW);

      assertThat(accepted).isEqualTo(new Memory(b, 0, null, UNTIL));
      assertThat(
              UPSERT_DELETE
                  .settle(
                      memory, planned, new Outcome(Outcome.Kind.ACCEPTED, false, NOW, null), NOW)
                  .until())
          .isEqualTo(UNTIL);
    }

    @Test
    void untilIsForgottenWhenItHasPassed() {
      Memory memory = new Memory(null, 0, null, UNTIL);

      assertThat(UPSERT_DELETE.expire(memory, UNTIL - 1)).isEqualTo(memory);
      assertThat(UPSERT_DELETE.expire(memory, UNTIL)).isEqualTo(Memory.NONE);
    }

    @Test
    void forgottenKeyKeepsUntil() {
      Rules forgetting = rules(SyncMode.UPSERT, Removal.IGNORE, Duration.ofHours(1));
      Memory gone = new Memory(version("a"), FIRST, null, UNTIL);

      assertThat(forgetting.expire(gone, NOW)).isEqualTo(new Memory(null, 0, null, UNTIL));
    }

    @Test
    void effectsLeaveUntilAlone() {
      Memory memory = memory("a gone", "REJECTED b unsure");
      Memory late = new Memory(memory.accepted(), memory.goneSince(), memory.hold(), UNTIL);

      assertThat(UPSERT_DELETE.affect(late, Rules.DROP_HOLD | Rules.CLEAR_GONE, NOW).until())
          .isEqualTo(UNTIL);
    }
  }

  @Nested
  @DisplayName("5a, requests")
  class Requests {
    @DisplayName("full resync: every valid row, held ones too, attempts restart")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅      | none                 | ADDED b, attempt 1, new id
            b | ∅      | REJECTED b           | ADDED b, attempt 1, new id
            b | ∅      | REJECTED c unsure    | ADDED b, attempt 1, new id
            b | ∅      | OPEN b unsure        | ADDED b, attempt 1, new id
            b | ∅      | QUARANTINED b        | ADDED b, attempt 1, new id
            b | ∅      | SKIPPED b unsure     | ADDED b, attempt 1, new id
            b | ∅      | bare ∅               | ADDED b, attempt 1, new id
            a | a      | none                 | CHANGED a, attempt 1, new id
            a | a      | REJECTED a           | CHANGED a, attempt 1, new id
            a | a      | QUARANTINED a unsure | CHANGED a, attempt 1, new id
            a | a      | SKIPPED a            | CHANGED a, attempt 1, new id
            a | a      | bare b               | CHANGED a, attempt 1, new id
            a | a gone | none                 | CHANGED a, attempt 1, new id, gone cleared
            b | a      | none                 | CHANGED b, attempt 1, new id
            b | a      | QUARANTINED b        | CHANGED b, attempt 1, new id
            b | a      | SKIPPED c            | CHANGED b, attempt 1, new id
            b | a gone | REJECTED ∅           | CHANGED b, attempt 1, new id, gone cleared
            """)
    void resyncSendsEveryRow(String w, String a, String h, String expected) {
      everyRules(
          rules -> assertThat(plan(rules, PlanRequest.Kind.RESYNC, w, a, h)).isEqualTo(expected));
    }

    @DisplayName("full resync: absent keys untouched")
    @ParameterizedTest(name = "A {0} | H {1}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅      | none
            ∅      | REJECTED b
            ∅      | OPEN b unsure
            ∅      | QUARANTINED ∅
            a      | none
            a      | REJECTED ∅
            a      | SKIPPED b unsure
            a      | QUARANTINED b
            a gone | none
            a gone | bare b
            """)
    void resyncLeavesAbsentKeys(String a, String h) {
      everyRules(
          rules ->
              assertThat(plan(rules, PlanRequest.Kind.RESYNC, "∅", a, h)).isEqualTo("nothing"));
    }

    @DisplayName("reset: A = W for valid keys, absent keys and all H dropped")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅      | none                 | A b, H none
            b | ∅      | REJECTED b           | A b, H none
            b | ∅      | OPEN c unsure        | A b, H none
            b | ∅      | QUARANTINED b        | A b, H none
            b | ∅      | SKIPPED ∅ unsure     | A b, H none
            a | a      | none                 | A a, H none
            a | a      | REJECTED b unsure    | A a, H none
            a | a      | QUARANTINED a        | A a, H none
            a | a      | SKIPPED a            | A a, H none
            a | a      | bare b               | A a, H none
            a | a gone | none                 | A a, H none
            b | a      | none                 | A b, H none
            b | a      | OPEN b unsure        | A b, H none
            b | a      | QUARANTINED c unsure | A b, H none
            b | a gone | bare a               | A b, H none
            ∅ | ∅      | none                 | A ∅, H none
            ∅ | ∅      | REJECTED b unsure    | A ∅, H none, forgotten
            ∅ | ∅      | QUARANTINED ∅        | A ∅, H none, forgotten
            ∅ | a      | none                 | A ∅, H none, forgotten
            ∅ | a      | REJECTED ∅           | A ∅, H none, forgotten
            ∅ | a      | SKIPPED b            | A ∅, H none, forgotten
            ∅ | a gone | none                 | A ∅, H none, forgotten
            ∅ | a gone | bare b               | A ∅, H none, forgotten
            """)
    void resetTakesTheRowsAsAccepted(String w, String a, String h, String expected) {
      everyRules(rules -> assertThat(reset(rules, w, memory(a, h))).isEqualTo(expected));
    }

    @Test
    @DisplayName("reset: until stays, also of keys that are forgotten")
    void resetLeavesUntil() {
      long until = NOW + HOUR;
      Memory late = new Memory(version("a"), 0, hold("OPEN b unsure", 2, HELD_ID), until);
      for (String w : List.of("a", "b", "∅")) {
        assertThat(taken(UPSERT_DELETE, w, late)).isEqualTo(new Memory(version(w), 0, null, until));
      }
    }

    @DisplayName("clear and fill: every valid row as ADDED, whatever was remembered")
    @ParameterizedTest(name = "W {0} | A {1} | H {2}: {3}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            b | ∅      | none                 | ADDED b, attempt 1, new id
            b | ∅      | QUARANTINED b        | ADDED b, attempt 1, new id
            b | ∅      | REJECTED b unsure    | ADDED b, attempt 1, new id
            a | a      | none                 | ADDED a, attempt 1, new id
            a | a gone | SKIPPED a            | ADDED a, attempt 1, new id
            b | a      | OPEN b unsure        | ADDED b, attempt 1, new id
            ∅ | ∅      | REJECTED b unsure    | nothing
            ∅ | a      | none                 | nothing
            ∅ | a      | REJECTED ∅           | nothing
            """)
    void fillAddsEveryRow(String w, String a, String h, String expected) {
      everyRules(
          rules -> assertThat(plan(rules, PlanRequest.Kind.FILL, w, a, h)).isEqualTo(expected));
    }

    @DisplayName("release: QUARANTINED or SKIPPED becomes REJECTED, attempts 0")
    @ParameterizedTest(name = "A {0} | H {1}: {2}")
    @CsvSource(
        delimiter = '|',
        textBlock =
            """
            ∅      | none                 | A ∅, H none
            a      | QUARANTINED b        | A a, H REJECTED b, 0 attempts, same id
            a      | QUARANTINED b unsure | A a, H REJECTED b, 0 attempts, same id, unsure
            a gone | QUARANTINED ∅        | A a gone, H REJECTED ∅, 0 attempts, same id
            ∅      | SKIPPED b            | A ∅, H REJECTED b, 0 attempts, same id
            a      | SKIPPED ∅ unsure     | A a, H REJECTED ∅, 0 attempts, same id, unsure
            a      | REJECTED b           | A a, H REJECTED b, 2 attempts, same id
            a      | OPEN b unsure        | A a, H OPEN b, 2 attempts, same id, unsure
            a      | bare b               | A a, H OPEN b, 0 attempts, no id, unsure
            """)
    void releaseGivesAnotherTry(String a, String h, String expected) {
      Memory before = memory(a, h);
      Memory late = new Memory(before.accepted(), before.goneSince(), before.hold(), NOW + HOUR);

      assertThat(show(Rules.release(before))).isEqualTo(expected);
      assertThat(Rules.release(late).until()).isEqualTo(NOW + HOUR);
    }

    private void everyRules(Consumer<Rules> check) {
      for (SyncMode mode : SyncMode.values()) {
        for (Removal removal : Removal.values()) {
          check.accept(rules(mode, removal));
          check.accept(new Rules(mode, removal, false, 10, Duration.ofHours(24), null));
        }
      }
    }

    private String reset(Rules rules, String w, Memory memory) {
      boolean forgotten =
          rules.decide(PlanRequest.Kind.RESET, version(w), memory).left() == Rules.Left.IGNORED;
      return show(taken(rules, w, memory)) + (forgotten ? ", forgotten" : "");
    }

    private Memory taken(Rules rules, String w, Memory memory) {
      Version source = version(w);
      Rules.Decision decision = rules.decide(PlanRequest.Kind.RESET, source, memory);
      Memory after = memory;
      if (decision.planned() != null) {
        Planned planned = rules.planned(decision, source, memory, NEW_ID, NOW);
        after = rules.settle(memory, planned, Outcome.ACCEPTED, NOW);
      }
      return rules.expire(rules.affect(after, decision.effects(), NOW), NOW);
    }
  }

  private static final Rules UPSERT_DELETE = rules(SyncMode.UPSERT, Removal.DELETE);
  private static final Rules UPSERT_IGNORE = rules(SyncMode.UPSERT, Removal.IGNORE);

  /** As {@link #UPSERT_DELETE}, in the first run after mode or removal have changed. */
  private static final Rules UPSERT_DELETE_ANEW =
      new Rules(SyncMode.UPSERT, Removal.DELETE, false, 10, Duration.ofHours(24), null);

  private static Rules rules(SyncMode mode, Removal removal) {
    return rules(mode, removal, null);
  }

  private static Rules rules(SyncMode mode, Removal removal, @Nullable Duration forgetAfter) {
    return new Rules(mode, removal, true, 10, Duration.ofHours(24), forgetAfter);
  }

  private static Outcome outcome(Outcome.Kind kind) {
    boolean unsure = kind == Outcome.Kind.UNKNOWN || kind == Outcome.Kind.UNKNOWN_ALONE;
    return new Outcome(kind, unsure, 0, kind == Outcome.Kind.ACCEPTED ? null : SAID);
  }

  /** What is planned for a key, and what becomes of its memory besides. */
  private static String plan(Rules rules, String w, String a, String h) {
    return plan(rules, PlanRequest.Kind.RUN, w, a, h);
  }

  private static String plan(Rules rules, PlanRequest.Kind request, String w, String a, String h) {
    Version source = version(w);
    Memory memory = memory(a, h);
    Rules.Decision decision = rules.decide(request, source, memory);
    List<String> words = new ArrayList<>();
    if (decision.planned() == null) {
      words.add("nothing");
    } else {
      Planned planned = rules.planned(decision, source, memory, NEW_ID, NOW);
      Operation operation = planned.operation();
      words.add(operation + " " + letter(planned.version()));
      words.add("attempt " + (planned.attempts() + 1));
      words.add(id(planned.changeId()));
    }
    if (decision.left() == Rules.Left.HELD) {
      words.add("held");
    }
    Memory after = rules.affect(memory, decision.effects(), NOW);
    Hold hold = after.hold();
    if (hold == null && memory.hold() != null) {
      words.add("H dropped");
    } else if (hold != null && !hold.equals(memory.hold())) {
      words.add(hold.changeId() == null && hold.unsure() ? "H bare" : "H changed");
    }
    if (after.gone() != memory.gone()) {
      words.add(after.gone() ? "gone" : "gone cleared");
    }
    if (decision.left() == Rules.Left.IGNORED) {
      words.add("ignored");
    }
    return String.join(", ", words);
  }

  private static String settle(Outcome.Kind kind, String w, String a, String h) {
    return show(settled(outcome(kind), w, a, h));
  }

  private static Memory settled(Outcome outcome, String w, String a, String h) {
    Version source = version(w);
    Memory memory = memory(a, h);
    Rules.Decision decision = UPSERT_DELETE.decide(source, memory);
    Planned planned = UPSERT_DELETE.planned(decision, source, memory, NEW_ID, NOW);
    return UPSERT_DELETE.settle(memory, planned, outcome, NOW);
  }

  private static @Nullable Version version(String letter) {
    return letter.equals("∅") ? null : new Version(letter.charAt(0), 0);
  }

  private static String letter(@Nullable Version version) {
    return version == null ? "∅" : String.valueOf((char) version.high());
  }

  private static String id(@Nullable Version id) {
    return NEW_ID.equals(id) ? "new id" : HELD_ID.equals(id) ? "same id" : "no id";
  }

  private static Memory memory(String a, String h) {
    String[] accepted = a.split(" ");
    long goneSince = accepted.length == 2 ? FIRST : 0;
    return new Memory(version(accepted[0]), goneSince, hold(h, 2, HELD_ID), 0);
  }

  private static @Nullable Hold hold(String h, int attempts, Version id) {
    String[] words = h.split(" ");
    if (h.equals("none")) {
      return null;
    }
    if (words[0].equals("bare")) {
      return new Hold(version(words[1]), HoldKind.OPEN, 0, 0, null, true, SAID);
    }
    HoldKind kind = HoldKind.valueOf(words[0]);
    return new Hold(version(words[1]), kind, attempts, FIRST, id, words.length == 3, SAID);
  }

  private static String show(Memory memory) {
    List<String> words = new ArrayList<>();
    words.add("A " + letter(memory.accepted()) + (memory.gone() ? " gone" : ""));
    Hold hold = memory.hold();
    if (hold == null) {
      words.add("H none");
    } else {
      words.add("H " + hold.kind() + " " + letter(hold.version()));
      words.add(hold.attempts() + " attempts");
      words.add(id(hold.changeId()));
      if (hold.unsure()) {
        words.add("unsure");
      }
    }
    return String.join(", ", words);
  }
}
