package io.fulmar.testkit.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Journals of lives as processes write them. The first one is as it must be, of a process that died
 * with a change in flight, and of the next one; each of the others breaks one rule.
 */
@DisplayName("P1, P2: what a crash sweep holds against a life")
class StoryTest {
  private static final String FIRST =
      """
      process
      edited 1
      passed CLAIMED
      call 1 100 1000 a1,ADDED,100,1,plan%3Dfree a2,ADDED,100,2,plan%3Dfree
      done 1 1010 false ACCEPTED ACCEPTED
      report 100 SUCCEEDED 2 0
      settled 1
      edited 2
      passed CLAIMED
      call 2 101 9000 b1,CHANGED,101,1,plan%3Dpro
      done 2 9001 false ACCEPTED
      died 9002
      """;

  private static final String NEXT =
      """
      process
      passed CLAIMED
      recovered 101 0 1
      call 1 102 12000 b1,CHANGED,102,1,plan%3Dpro
      done 1 12001 false ACCEPTED
      report 102 SUCCEEDED 1 0
      settled 2
      ended
      """;

  @TempDir Path directory;

  private Story story(String journal) throws IOException {
    return Story.read(Files.writeString(directory.resolve("journal"), journal));
  }

  private List<String> problems(String journal) throws IOException {
    return story(journal).problems(1);
  }

  @Test
  void lifeThatIsAsItMustBeHasNoProblems() throws IOException {
    Story story = story(FIRST + NEXT);
    assertThat(story.problems(1)).isEmpty();
    assertThat(story.hasEnded()).isTrue();
    assertThat(story.edited()).isEqualTo(2);
    assertThat(story.settled()).isEqualTo(2);
    assertThat(story.deaths()).isEqualTo(1);
    assertThat(story.repeats()).isEqualTo(1);
    assertThat(story.sent()).isEqualTo(4);
    assertThat(story.passes(0)).containsOnlyKeys("CLAIMED").containsEntry("CLAIMED", 2);
    assertThat(story.passes(1)).containsEntry("CLAIMED", 1);
  }

  @Test
  void nothingHasHappenedWithoutAJournal() throws IOException {
    Story story = Story.read(directory.resolve("none"));
    assertThat(story.settled()).isZero();
    assertThat(story.hasEnded()).isFalse();
  }

  @Test
  @DisplayName("P1: a run counts more than was accepted")
  void wrongCountIsSeen() throws IOException {
    assertThat(problems(FIRST.replace("report 100 SUCCEEDED 2", "report 100 SUCCEEDED 3") + NEXT))
        .containsExactly(
            "run 100 counts 3 changes as accepted and 0 as skipped; the destination accepted 2 and skipped 0");
    assertThat(problems(FIRST.replace("done 1 1010 false ACCEPTED", "done 1 1010 false REJECTED")))
        .containsExactly(
            "run 100 counts 2 changes as accepted and 0 as skipped; the destination accepted 1 and skipped 0");
  }

  @Test
  @DisplayName("P1: an interrupted run is taken in with more than was accepted, or with less")
  void wrongRecoveryIsSeen() throws IOException {
    assertThat(problems(FIRST + NEXT.replace("recovered 101 0", "recovered 101 2")))
        .containsExactly(
            "of the interrupted run 101, 2 changes were taken in as accepted; the destination accepted 1");
    assertThat(
            problems(
                FIRST.replace("died 9002", "died 19002")
                    + NEXT.replace("recovered 101 0 1", "recovered 101 0 0")))
        .isEmpty();
    assertThat(story(FIRST.replace("died 9002", "died 19002") + NEXT).problems(0))
        .contains(
            "of the interrupted run 101, 0 changes were taken in as accepted; the destination accepted 1");
  }

  @Test
  @DisplayName("P1: an interrupted run that applied a plan of an earlier one is told by the plan")
  void runThatAppliesAPlanIsToldByThePlan() throws IOException {
    String approved = FIRST.replace("died 9002", "died 19002").replace("call 2 101", "call 2 103");
    String next = NEXT.replace("102", "104");
    assertThat(story(approved + next.replace("recovered 101 0", "recovered 101 1")).problems(0))
        .filteredOn(problem -> problem.contains("taken in"))
        .isEmpty();
    assertThat(problems(approved + next.replace("recovered 101 0", "recovered 101 2")))
        .contains(
            "of the interrupted run 101, 2 changes were taken in as accepted; the destination accepted 1");
  }

  @Test
  @DisplayName("P2: what was accepted comes again under another id")
  void otherIdIsSeen() throws IOException {
    assertThat(problems(FIRST + NEXT.replace("b1", "c1")))
        .containsExactly(
            "another change id for CHANGED 1 plan=pro, which was accepted before",
            "another change id for CHANGED 1 plan=pro, which was sent before");
    assertThat(
            problems(FIRST.replace("done 2 9001 false ACCEPTED\n", "") + NEXT.replace("b1", "c1")))
        .containsExactly("another change id for CHANGED 1 plan=pro, which was sent before");
    assertThat(problems(FIRST + NEXT.replace("recovered 101 0 1", "anew").replace("b1", "c1")))
        .isEmpty();
  }

  @Test
  @DisplayName("P2: an id stands for two changes")
  void idOfTwoChangesIsSeen() throws IOException {
    assertThat(problems(FIRST + NEXT.replace("3Dpro", "3Dmax")))
        .contains("a change id stands for two changes: CHANGED 1 plan=pro and CHANGED 1 plan=max");
  }

  @Test
  @DisplayName("P2: more comes again than was in flight")
  void tooManyRepeatsAreSeen() throws IOException {
    String again =
        """
        call 2 103 13000 a1,ADDED,103,1,plan%3Dfree a2,ADDED,103,2,plan%3Dfree
        done 2 13001 false ACCEPTED ACCEPTED
        """;
    assertThat(problems(FIRST + NEXT.replace("ended\n", "") + again))
        .containsExactly(
            "3 changes were accepted again, and only 1 were in flight when a process died");
  }

  @Test
  @DisplayName("P4: the sequence of a key goes back, or stays for another change")
  void sequenceThatDoesNotGrowIsSeen() throws IOException {
    assertThat(problems(FIRST.replace("b1,CHANGED,101", "b1,CHANGED,99")))
        .containsExactly(
            "the sequence does not grow: ADDED 1 plan=free had 100, then CHANGED 1 plan=pro 99");
    assertThat(problems(FIRST.replace("b1,CHANGED,101", "b1,CHANGED,100"))).hasSize(1);
  }

  @Test
  void lineThatIsNoneIsRefused() {
    assertThatThrownBy(() -> story("process\nnonsense\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no such line: nonsense");
    assertThatThrownBy(() -> story("process\ndone 1 1 false ACCEPTED\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a call ends that has not begun: done 1 1 false ACCEPTED");
  }
}
