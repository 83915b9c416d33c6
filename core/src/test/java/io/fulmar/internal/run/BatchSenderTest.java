package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.FailureCodes;
import io.fulmar.Model;
import io.fulmar.RunEvent;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Outcome.Kind;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The table of outcomes, row by row: one batch of additions c0, c1, c2 ... goes to a scripted
 * writer, over a clock that moves only while somebody waits. A call may act for 60 s from its
 * beginning, and each call must have been announced to the reservation just before.
 */
class BatchSenderTest {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final String UNKNOWN = FailureCodes.UNKNOWN_OUTCOME;

  private final ManualTime time = new ManualTime();
  private RunnerSettings.Waiter waiter = time;
  private final RunnerSettings settings =
      RunnerSettings.defaults()
          .withClock(time)
          .withWaiter((stop, duration) -> waiter.await(stop, duration))
          .withGrace(Duration.ZERO);
  private final List<List<String>> calls = new ArrayList<>();
  private final List<String> violations = new ArrayList<>();
  private final Tally tally = new Tally();
  private RunScope scope = scope(Duration.ofMinutes(5));
  private Throttle throttle = throttle(oneAtATime());
  private @Nullable RuntimeException fullDisk;
  private int reservations;

  @AfterEach
  void everyCallWasReservedAndTheThreadIsAsItWas() {
    assertThat(reservations).isEqualTo(calls.size());
    assertThat(tally.calls()).isEqualTo(calls.size());
    assertThat(Thread.interrupted()).isFalse();
  }

  /** A sync that uses the same destination would wait for a turn that is not given back. */
  @AfterEach
  void everyTurnWasGivenBack() throws Exception {
    RunScope next = scope(Duration.ZERO);
    waiter = time;
    FutureTask<Boolean> turn = new FutureTask<>(() -> throttle.acquire(next));
    new Thread(turn, "next").start();
    try {
      assertThat(turn.get(10, TimeUnit.SECONDS)).isTrue();
    } finally {
      next.stop(new RunScope.Stop.Cancelled());
    }
  }

  private static Capabilities.Builder oneAtATime() {
    return Capabilities.builder().actions(EnumSet.allOf(Action.class)).concurrency(1);
  }

  private static Throttle throttle(Capabilities.Builder capabilities) {
    return new Throttle(capabilities.build());
  }

  private RunScope scope(Duration retryFor) {
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("customers", "select 1 as id").key("id"))
            .to(Destination.of("test", batch -> Delivery.allAccepted()))
            .callDeadline(DEADLINE)
            .retryFor(retryFor)
            .listener(
                event -> {
                  if (event instanceof RunEvent.ContractViolated violated) {
                    violations.add(violated.what());
                  }
                })
            .build();
    return new RunScope(sync, settings);
  }

  private List<Outcome> send(int rows, Writer script) {
    Writer recording =
        batch -> {
          assertThat(reservations).isEqualTo(calls.size() + 1);
          calls.add(ids(batch));
          return script.write(batch);
        };
    BatchSender sender =
        new BatchSender(
            scope,
            throttle,
            tally,
            () -> {
              if (fullDisk != null) {
                throw fullDisk;
              }
              reservations++;
              return time.millis() + DEADLINE.toMillis();
            },
            null);
    DeadlineCalls.Caller caller =
        new DeadlineCalls(scope, settings, tally).caller(() -> fail("nobody looks"));
    return sender.begin(Action.UPSERT, Changes.added(rows)).finish(recording, caller);
  }

  private static List<String> ids(Batch batch) {
    return batch.changes().stream().map(Change::changeId).toList();
  }

  private static List<String> ids(int from, int to) {
    return IntStream.range(from, to).mapToObj(Changes::id).toList();
  }

  private static List<Kind> kinds(List<Outcome> outcomes) {
    return outcomes.stream().map(Outcome::kind).toList();
  }

  private static Outcome rejected(String code, String message) {
    return new Outcome(Kind.REJECTED, false, 0, new Hold.Reason(code, message));
  }

  private String stopped() {
    return scope.stopReason() instanceof RunScope.Stop.Failed failed ? failed.why() : "";
  }

  // ----------------------------------------------------------------------------- answers by row

  @Test
  void everyAnswerBecomesTheOutcomeOfItsRow() {
    List<Outcome> outcomes =
        send(
            4,
            batch ->
                batch.size() < 4
                    ? Delivery.allAccepted()
                    : Delivery.builder()
                        .accepted(batch.changes().get(0))
                        .rejected(batch.changes().get(1), "BAD", "no")
                        .skipped(batch.changes().get(2))
                        .accepted(batch.changes().get(3))
                        .build());
    assertThat(outcomes)
        .containsExactly(
            Outcome.ACCEPTED, rejected("BAD", "no"), Outcome.SKIPPED, Outcome.ACCEPTED);
    assertThat(calls).hasSize(1);
    assertThat(scope.isStopped()).isFalse();
  }

  @Test
  void rowWithoutAnAnswerGoesOutAgainAloneWithTheSameId() {
    List<Outcome> outcomes =
        send(
            3,
            batch ->
                calls.size() == 1
                    ? Delivery.builder()
                        .accepted(batch.changes().get(0))
                        .accepted(batch.changes().get(2))
                        .build()
                    : Delivery.allAccepted());
    assertThat(calls).containsExactly(ids(0, 3), ids(1, 2));
    assertThat(kinds(outcomes)).containsOnly(Kind.ACCEPTED);
    // The first call may still act, although the second one was accepted.
    assertThat(outcomes.get(1).until()).isEqualTo(time.millis() + DEADLINE.toMillis());
    assertThat(outcomes.get(1).unsure()).isFalse();
    assertThat(outcomes.get(0)).isSameAs(Outcome.ACCEPTED);
    assertThat(violations).isEmpty();
  }

  @Test
  void rowThatIsNeverNamedStaysUnsure() {
    List<Outcome> outcomes =
        send(
            2,
            batch -> {
              Delivery.Builder answer = Delivery.builder();
              batch.changes().stream()
                  .filter(change -> change.changeId().equals("c0"))
                  .forEach(answer::accepted);
              return answer.build();
            });
    assertThat(calls).containsExactly(ids(0, 2), ids(1, 2));
    assertThat(outcomes.get(0)).isSameAs(Outcome.ACCEPTED);
    assertThat(outcomes.get(1).kind()).isEqualTo(Kind.UNKNOWN_ALONE);
    assertThat(outcomes.get(1).unsure()).isTrue();
    assertThat(outcomes.get(1).reason())
        .isEqualTo(new Hold.Reason(UNKNOWN, "the answer did not name the change"));
  }

  @Test
  void retryableRejectionIsTriedAgainInThisRunFourTimesWithBackoff() {
    List<Outcome> outcomes = send(2, batch -> rejectFirstKey(batch, 0, Verdict.Retry.THIS_RUN));
    assertThat(calls).containsExactly(ids(0, 2), ids(0, 1), ids(0, 1), ids(0, 1), ids(0, 1));
    assertThat(outcomes).containsExactly(rejected("BUSY", "later"), Outcome.ACCEPTED);
    assertBackoff(time.waits(), 200, 400, 800, 1600);
  }

  @Test
  void retryableRejectionThatIsAcceptedLaterIsAccepted() {
    List<Outcome> outcomes =
        send(
            1,
            batch ->
                calls.size() < 3
                    ? rejectFirstKey(batch, 0, Verdict.Retry.THIS_RUN)
                    : Delivery.allAccepted());
    assertThat(outcomes).containsExactly(Outcome.ACCEPTED);
    assertThat(calls).hasSize(3);
  }

  private static Delivery rejectFirstKey(Batch batch, long key, Verdict.Retry retry) {
    Delivery.Builder answer = Delivery.acceptedExcept();
    for (Change change : batch.changes()) {
      if (change.changeId().equals(Changes.id(key))) {
        answer.answer(change.changeId(), new Verdict.Rejected("BUSY", "later", retry));
      }
    }
    return answer.build();
  }

  @Test
  @DisplayName("J-01: every subset of a batch of six, in any order of the answer")
  void exactlyTheSuccessesAreMarked() {
    long seed = System.nanoTime();
    System.out.println("exactlyTheSuccessesAreMarked: seed " + seed);
    Random random = new Random(seed);
    for (int subset = 0; subset < 64; subset++) {
      for (int permutation = 0; permutation < 24; permutation++) {
        int accepted = subset;
        List<Outcome> outcomes =
            send(
                6,
                batch -> {
                  List<Change> order = new ArrayList<>(batch.changes());
                  Collections.shuffle(order, random);
                  Delivery.Builder answer = Delivery.builder();
                  for (Change change : order) {
                    int key = Integer.parseInt(change.changeId().substring(1));
                    if ((accepted >> key & 1) == 1) {
                      answer.accepted(change);
                    } else {
                      answer.rejected(change, "BAD", "no");
                    }
                  }
                  return answer.build();
                });
        for (int i = 0; i < 6; i++) {
          assertThat(outcomes.get(i))
              .as("subset %s, row %d, seed %d", Integer.toBinaryString(subset), i, seed)
              .isEqualTo((subset >> i & 1) == 1 ? Outcome.ACCEPTED : rejected("BAD", "no"));
        }
      }
    }
    assertThat(calls).hasSize(64 * 24).allMatch(ids(0, 6)::equals);
  }

  // ------------------------------------------------------------------------------- J-02: contract

  private Writer brokenOnce(Writer broken) {
    return batch -> calls.size() == 1 ? broken.write(batch) : Delivery.allAccepted();
  }

  private void assertSentAgainWhole(List<Outcome> outcomes, String violation) {
    assertThat(calls).containsExactly(ids(0, 3), ids(0, 3));
    assertThat(violations).containsExactly(violation);
    assertThat(kinds(outcomes)).containsOnly(Kind.ACCEPTED);
    assertThat(outcomes).allMatch(outcome -> outcome.until() > 0 && !outcome.unsure());
  }

  @Test
  @DisplayName("J-02: null instead of an answer makes the whole batch unknown")
  @SuppressWarnings("NullAway")
  void nullAnswerMakesTheWholeBatchUnknown() {
    assertSentAgainWhole(send(3, brokenOnce(batch -> null)), "the answer is null");
  }

  @Test
  @DisplayName("J-02: an unknown id makes the whole batch unknown")
  void unknownIdMakesTheWholeBatchUnknown() {
    assertSentAgainWhole(
        send(
            3,
            brokenOnce(
                batch -> Delivery.acceptedExcept().answer("c9", new Verdict.Accepted()).build())),
        "the answer names a change that was not in the batch");
  }

  @Test
  @DisplayName("J-02: an answer that is too long makes the whole batch unknown")
  void answerThatIsTooLongMakesTheWholeBatchUnknown() {
    assertSentAgainWhole(
        send(
            3,
            brokenOnce(
                batch -> {
                  Delivery.Builder answer = Delivery.builder();
                  batch.changes().forEach(answer::accepted);
                  return answer.answer("c3", new Verdict.Accepted()).build();
                })),
        "the answer names a change that was not in the batch");
  }

  @Test
  @DisplayName("J-02: a change named twice makes the whole batch unknown")
  void changeNamedTwiceMakesTheWholeBatchUnknown() {
    assertSentAgainWhole(
        send(
            3,
            brokenOnce(
                batch ->
                    Delivery.builder()
                        .accepted(batch.changes().get(0))
                        .accepted(batch.changes().get(1))
                        .accepted(batch.changes().get(1))
                        .build())),
        "the answer names a change twice");
  }

  @Test
  @DisplayName("J-02: accepted and rejected for the same row make the whole batch unknown")
  void contradictionMakesTheWholeBatchUnknown() {
    assertSentAgainWhole(
        send(
            3,
            brokenOnce(
                batch ->
                    Delivery.acceptedExcept()
                        .rejected(batch.changes().get(2), "BAD", "no")
                        .accepted(batch.changes().get(2))
                        .build())),
        "the answer names a change twice");
  }

  @Test
  @DisplayName("J-02: an answer that is too short leaves only the missing rows unknown")
  void answerThatIsTooShortLeavesTheMissingRowsUnknown() {
    List<Outcome> outcomes =
        send(
            6,
            batch ->
                calls.size() == 1
                    ? Delivery.builder()
                        .accepted(batch.changes().get(3))
                        .rejected(batch.changes().get(0), "BAD", "no")
                        .build()
                    : Delivery.allAccepted());
    assertThat(calls).containsExactly(ids(0, 6), List.of("c1", "c2", "c4", "c5"));
    assertThat(violations).isEmpty();
    assertThat(kinds(outcomes))
        .containsExactly(
            Kind.REJECTED,
            Kind.ACCEPTED,
            Kind.ACCEPTED,
            Kind.ACCEPTED,
            Kind.ACCEPTED,
            Kind.ACCEPTED);
  }

  @Test
  @DisplayName("J-02: an answer in another order means the same")
  void orderOfTheAnswerMeansNothing() {
    List<Outcome> outcomes =
        send(
            3,
            batch ->
                Delivery.builder()
                    .skipped(batch.changes().get(2))
                    .rejected(batch.changes().get(0), "BAD", "no")
                    .accepted(batch.changes().get(1))
                    .build());
    assertThat(outcomes).containsExactly(rejected("BAD", "no"), Outcome.ACCEPTED, Outcome.SKIPPED);
  }

  @Test
  @DisplayName("J-02: an answer that is always broken leaves every row unsure, with the code")
  void answerThatIsAlwaysBrokenLeavesEveryRowUnsure() {
    List<Outcome> outcomes =
        send(2, batch -> Delivery.builder().answer("c7", new Verdict.Accepted()).build());
    assertThat(calls).containsExactly(ids(0, 2), ids(0, 2), ids(0, 1), ids(1, 2));
    assertThat(kinds(outcomes)).containsOnly(Kind.UNKNOWN_ALONE);
    assertThat(outcomes)
        .allMatch(Outcome::unsure)
        .extracting(outcome -> outcome.reason().code())
        .containsOnly(FailureCodes.CONTRACT_VIOLATION);
    assertThat(violations).hasSize(4);
  }

  // -------------------------------------------------------------------------------- not applied

  private static void assertBackoff(List<Duration> waits, long... expected) {
    assertThat(waits).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) waits.get(i).toNanos() / 1_000_000)
          .as("wait %d", i)
          .isBetween(expected[i] * 0.8 - 0.01, expected[i] * 1.2 + 0.01);
    }
  }

  @Test
  void batchThatWasNotAppliedGoesOutAgainAsItWasWithBackoff() {
    List<Outcome> outcomes =
        send(
            3,
            batch -> {
              if (calls.size() <= 9) {
                throw new NotAppliedException("down", (Throwable) null);
              }
              return Delivery.allAccepted();
            });
    assertThat(outcomes).containsOnly(Outcome.ACCEPTED);
    assertThat(calls).hasSize(10).allMatch(ids(0, 3)::equals);
    assertBackoff(time.waits(), 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000);
  }

  @Test
  void waitsVaryBetweenRuns() {
    Set<Duration> first = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      int before = calls.size();
      int waitsBefore = time.waits().size();
      send(
          1,
          batch -> {
            if (calls.size() == before + 1) {
              throw new NotAppliedException("down", (Throwable) null);
            }
            return Delivery.allAccepted();
          });
      first.add(time.waits().get(waitsBefore));
    }
    assertThat(first).hasSizeGreaterThan(10);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 700, 7_000, 100_000})
  void timeThatTheDestinationAsksForIsKept(long millis) {
    for (int i = 0; i < 20; i++) {
      int before = calls.size();
      int waitsBefore = time.waits().size();
      send(
          1,
          batch -> {
            if (calls.size() == before + 1) {
              throw new NotAppliedException("slow down", Duration.ofMillis(millis));
            }
            return Delivery.allAccepted();
          });
      Duration waited = time.waits().get(waitsBefore);
      assertThat(waited).isGreaterThanOrEqualTo(Duration.ofMillis(millis));
      assertThat(waited).isLessThanOrEqualTo(Duration.ofMillis(Math.max(millis, 241)));
    }
  }

  @Test
  void budgetThatIsSpentFailsTheRunAndCountsNoAttempt() {
    List<Outcome> outcomes =
        send(
            3,
            batch -> {
              throw new NotAppliedException("down for maintenance", (Throwable) null);
            });
    assertThat(outcomes).containsOnly(Outcome.NOT_TRIED);
    assertThat(stopped())
        .isEqualTo("nothing was applied within PT5M, at last: down for maintenance");
    Duration waited = time.waits().stream().reduce(Duration.ZERO, Duration::plus);
    assertThat(waited).isBetween(Duration.ofMinutes(4), Duration.ofMinutes(5));
  }

  @Test
  void longerWaitThanTheBudgetFailsTheRunAtOnce() {
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              throw new NotAppliedException("come back tomorrow", Duration.ofDays(1));
            });
    assertThat(outcomes).containsExactly(Outcome.NOT_TRIED);
    assertThat(calls).hasSize(1);
    assertThat(time.waits()).isEmpty();
    assertThat(stopped()).contains("come back tomorrow");
  }

  @Test
  @DisplayName("S-07: a wait beyond what a long counts fails the run as any other that is too long")
  void endlessWaitFailsTheRunAtOnce() {
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              throw new NotAppliedException("come back never", Duration.ofSeconds(Long.MAX_VALUE));
            });
    assertThat(outcomes).containsExactly(Outcome.NOT_TRIED);
    assertThat(calls).hasSize(1);
    assertThat(stopped()).contains("come back never");
  }

  @Test
  void waitThatEndsWithTheBudgetIsWaited() {
    scope = scope(Duration.ofMinutes(5));
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              if (calls.size() == 1) {
                throw new NotAppliedException("come back in five minutes", Duration.ofMinutes(5));
              }
              return Delivery.allAccepted();
            });
    assertThat(outcomes).containsExactly(Outcome.ACCEPTED);
    assertThat(time.waits()).containsExactly(Duration.ofMinutes(5));
  }

  @Test
  void interruptedBackoffCancelsTheRunAndStaysSet() {
    waiter =
        (stop, duration) -> {
          throw new InterruptedException();
        };
    List<Outcome> outcomes =
        send(
            2,
            batch -> {
              throw new NotAppliedException("down", (Throwable) null);
            });
    assertThat(Thread.interrupted()).isTrue();
    assertThat(outcomes).containsOnly(Outcome.NOT_TRIED);
    assertThat(scope.stopReason()).isInstanceOf(RunScope.Stop.Cancelled.class);
    assertThat(calls).hasSize(1);
  }

  @Test
  @DisplayName("D-04: a batch that could not be reserved is not sent, and gives its turn back")
  void batchThatCouldNotBeReservedIsNotSent() {
    fullDisk = new StateException("Cannot use the state: No space left on device.");
    assertThat(send(2, batch -> Delivery.allAccepted())).containsOnly(Outcome.NOT_TRIED);
    assertThat(calls).isEmpty();
    assertThat(scope.stopReason())
        .isEqualTo(
            new RunScope.Stop.Failed("what is to be sent cannot be put on record", fullDisk));
  }

  @Test
  void noBudgetMeansNoSecondCall() {
    scope = scope(Duration.ZERO);
    send(
        1,
        batch -> {
          throw new NotAppliedException("down", (Throwable) null);
        });
    assertThat(calls).hasSize(1);
    assertThat(stopped()).isEqualTo("nothing was applied within PT0S, at last: down");
  }

  // ------------------------------------------------------------------------------ waiting turns

  /** The second call has to wait for its turn, and the first one gives no answer. */
  private List<Outcome> unknownAndThenWaitingForATurn() {
    throttle = throttle(oneAtATime().rate(1, Duration.ofHours(1)));
    return send(
        2,
        batch -> {
          throw new IOException("timed out");
        });
  }

  @Test
  void runThatStopsWhileItWaitsForATurnCallsNoMore() {
    waiter = (stop, duration) -> scope.stop(new RunScope.Stop.Cancelled());
    List<Outcome> outcomes = unknownAndThenWaitingForATurn();
    assertThat(calls).hasSize(1);
    assertThat(kinds(outcomes)).containsOnly(Kind.UNKNOWN);
    assertThat(outcomes).allMatch(Outcome::unsure);
  }

  @Test
  void interruptWhileWaitingForATurnCancelsTheRunAndStaysSet() {
    waiter =
        (stop, duration) -> {
          throw new InterruptedException();
        };
    List<Outcome> outcomes = unknownAndThenWaitingForATurn();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(scope.stopReason()).isInstanceOf(RunScope.Stop.Cancelled.class);
    assertThat(calls).hasSize(1);
    assertThat(kinds(outcomes)).containsOnly(Kind.UNKNOWN);
    assertThat(outcomes).allMatch(Outcome::unsure);
  }

  // ------------------------------------------------------------------------------ batch rejected

  @Test
  @DisplayName("J-05: halving finds each bad row within 2 log2(n) + 16 calls")
  void halvingFindsTheBadRows() {
    long seed = System.nanoTime();
    System.out.println("halvingFindsTheBadRows: seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      int rows = 1 + random.nextInt(round % 10 == 0 ? 1_000 : 40);
      double share = new double[] {0, 0.01, 0.1, 0.5, 1}[random.nextInt(5)];
      Set<String> bad =
          IntStream.range(0, rows)
              .filter(i -> random.nextDouble() < share)
              .mapToObj(Changes::id)
              .collect(Collectors.toSet());
      int before = calls.size();
      List<Outcome> outcomes =
          send(
              rows,
              batch -> {
                if (ids(batch).stream().anyMatch(bad::contains)) {
                  throw new BatchRejectedException("POISON", "one of them is bad");
                }
                return Delivery.allAccepted();
              });
      for (int i = 0; i < rows; i++) {
        assertThat(outcomes.get(i))
            .as("row %d of %d, seed %d", i, rows, seed)
            .isEqualTo(
                bad.contains(Changes.id(i))
                    ? rejected("POISON", "one of them is bad")
                    : Outcome.ACCEPTED);
      }
      double each = 2 * Math.log(rows) / Math.log(2) + 16;
      assertThat(calls.size() - before)
          .as("calls for %d bad of %d, seed %d", bad.size(), rows, seed)
          .isLessThanOrEqualTo((int) Math.max(1, Math.ceil(bad.size() * each)));
    }
  }

  @ParameterizedTest
  @CsvSource({"4, 20", "64, 28", "1000, 36", "1024, 36"})
  @DisplayName("J-05: when calls run out, the rest is rejected together: no attempt is counted")
  void callsThatRunOutLeaveTheRestRejectedTogether(int rows, int atMost) {
    List<Outcome> outcomes =
        send(
            rows,
            batch -> {
              if (batch.size() > 1 || rows < 64) {
                throw new BatchRejectedException("SINGLE_ONLY", "one at a time");
              }
              return Delivery.allAccepted();
            });
    if (rows < 64) {
      assertThat(kinds(outcomes)).containsOnly(Kind.REJECTED);
      return;
    }
    // No bad row is ever found, so the first call and one allowance is all there is.
    assertThat(calls.size()).isLessThanOrEqualTo(1 + atMost);
    assertThat(kinds(outcomes)).containsOnly(Kind.ACCEPTED, Kind.REJECTED_TOGETHER);
    assertThat(kinds(outcomes)).contains(Kind.ACCEPTED).endsWith(Kind.REJECTED_TOGETHER);
    assertThat(outcomes).noneMatch(Outcome::unsure);
  }

  // ------------------------------------------------------------------------------------ stop run

  @Test
  void stopRunFailsTheRunAtOnce() {
    List<Outcome> outcomes =
        send(
            3,
            batch -> {
              throw new StopRunException("UNAUTHORIZED", "the token has expired");
            });
    assertThat(outcomes).containsOnly(Outcome.NOT_TRIED);
    assertThat(calls).hasSize(1);
    assertThat(stopped())
        .isEqualTo("the destination stopped the run (UNAUTHORIZED): the token has expired");
  }

  @Test
  void stoppedRunCallsNoMore() {
    scope.stop(new RunScope.Stop.Cancelled());
    assertThat(send(3, batch -> Delivery.allAccepted())).containsOnly(Outcome.NOT_TRIED);
    assertThat(calls).isEmpty();
  }

  // ------------------------------------------------------------------------------------- unknown

  @Test
  @DisplayName("P2: after an unknown outcome the same batch goes out with the same ids")
  void unknownOutcomeGoesOutAgainAsItWas() {
    List<Outcome> outcomes =
        send(
            3,
            brokenOnce(
                batch -> {
                  throw new IOException("connection reset");
                }));
    assertThat(calls).containsExactly(ids(0, 3), ids(0, 3));
    assertThat(kinds(outcomes)).containsOnly(Kind.ACCEPTED);
    assertThat(outcomes).allMatch(outcome -> outcome.until() > 0 && !outcome.unsure());
  }

  @Test
  @DisplayName("P1: a batch that stays unknown is halved down to single rows, which are unsure")
  void batchThatStaysUnknownIsHalved() {
    List<Outcome> outcomes =
        send(
            4,
            batch -> {
              if (ids(batch).contains("c2")) {
                throw new IllegalStateException("secret value 4711");
              }
              return Delivery.allAccepted();
            });
    assertThat(calls)
        .containsExactly(ids(0, 4), ids(0, 4), ids(0, 2), ids(2, 4), ids(2, 3), ids(3, 4));
    assertThat(kinds(outcomes))
        .containsExactly(Kind.ACCEPTED, Kind.ACCEPTED, Kind.UNKNOWN_ALONE, Kind.ACCEPTED);
    assertThat(outcomes.get(2).unsure()).isTrue();
    // P11: the message of a foreign exception may hold values.
    assertThat(outcomes.get(2).reason())
        .isEqualTo(new Hold.Reason(UNKNOWN, "the call threw java.lang.IllegalStateException"));
    assertThat(outcomes).allMatch(outcome -> outcome.until() > 0);
  }

  @Test
  @DisplayName("P1: when calls run out, what is left of an unknown batch is unsure")
  void callsThatRunOutLeaveTheRestUnsure() {
    List<Outcome> outcomes =
        send(
            1_024,
            batch -> {
              if (batch.size() > 1) {
                throw new IOException("timed out");
              }
              return Delivery.allAccepted();
            });
    assertThat(calls.size()).isLessThanOrEqualTo(1 + 36);
    assertThat(kinds(outcomes)).startsWith(Kind.UNKNOWN);
    assertThat(kinds(outcomes)).containsOnly(Kind.ACCEPTED, Kind.UNKNOWN);
    assertThat(outcomes).allMatch(outcome -> outcome.unsure() == (outcome.kind() == Kind.UNKNOWN));
  }

  @Test
  void singleRowOfUnknownOutcomeIsTriedTwice() {
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              throw new IOException("timed out");
            });
    assertThat(calls).containsExactly(ids(0, 1), ids(0, 1));
    assertThat(kinds(outcomes)).containsExactly(Kind.UNKNOWN_ALONE);
  }

  @Test
  @DisplayName("P1: a thrown Error fails the run and leaves the batch unsure")
  void errorFailsTheRunAndLeavesTheBatchUnsure() {
    List<Outcome> outcomes =
        send(
            2,
            batch -> {
              throw new StackOverflowError();
            });
    assertThat(calls).hasSize(1);
    assertThat(kinds(outcomes)).containsOnly(Kind.UNKNOWN);
    assertThat(outcomes).allMatch(Outcome::unsure);
    assertThat(stopped()).isEqualTo("the destination threw java.lang.StackOverflowError");
    assertThat(((RunScope.Stop.Failed) scope.stopReason()).cause())
        .as("says where it was thrown, and not with what message")
        .hasMessage("java.lang.StackOverflowError")
        .satisfies(
            cause ->
                assertThat(cause.getStackTrace()[0].getClassName())
                    .isEqualTo(BatchSenderTest.class.getName()));
  }

  @Test
  @DisplayName("P1: an interrupted call cancels the run and leaves the batch unsure")
  void interruptedCallCancelsTheRunAndLeavesTheBatchUnsure() {
    List<Outcome> outcomes =
        send(
            2,
            batch -> {
              throw new InterruptedException();
            });
    assertThat(Thread.interrupted()).isTrue();
    assertThat(scope.stopReason()).isInstanceOf(RunScope.Stop.Cancelled.class);
    assertThat(outcomes).allMatch(Outcome::unsure);
    assertThat(calls).hasSize(1);
  }

  @Test
  @DisplayName("P1: an interrupt in the last call of a batch cancels the run as any other")
  void interruptInTheLastCallCancelsTheRun() {
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              if (calls.size() == 1) {
                throw new IOException("timed out");
              }
              throw new InterruptedException();
            });
    assertThat(Thread.interrupted()).isTrue();
    assertThat(calls).hasSize(2);
    assertThat(scope.stopReason()).isInstanceOf(RunScope.Stop.Cancelled.class);
    assertThat(kinds(outcomes)).containsExactly(Kind.UNKNOWN_ALONE);
  }

  @Test
  @DisplayName("P4: of two calls without an answer, the later one says how long they may act")
  void laterOfTwoUnknownCallsSaysHowLongTheyMayAct() {
    List<Outcome> outcomes =
        send(
            2,
            batch -> {
              time.advance(Duration.ofSeconds(10));
              if (calls.size() == 2) {
                scope.stop(new RunScope.Stop.Cancelled());
                throw new IllegalStateException("secret value 4711");
              }
              throw new IOException("timed out");
            });
    assertThat(calls).containsExactly(ids(0, 2), ids(0, 2));
    assertThat(outcomes)
        .containsOnly(
            new Outcome(
                Kind.UNKNOWN,
                true,
                ManualTime.START.plusSeconds(10).plus(DEADLINE).toEpochMilli(),
                new Hold.Reason(UNKNOWN, "the call threw java.lang.IllegalStateException")));
  }

  @Test
  @DisplayName("J-03: an error of a state that is not ours is an unknown outcome as any other")
  void stateExceptionOfADestinationIsUnknown() {
    List<Outcome> outcomes =
        send(
            2,
            brokenOnce(
                batch -> {
                  throw new StateException("of another engine");
                }));
    assertThat(kinds(outcomes)).containsOnly(Kind.ACCEPTED);
    assertThat(calls).hasSize(2);
    assertThat(scope.isStopped()).isFalse();
  }

  // -------------------------------------------------------------------------------------- joined

  @Test
  @DisplayName("P1: unknown and then rejected stays unsure")
  void unknownThenRejectedStaysUnsure() {
    assertUnsureAfterUnknown(
        batch -> Delivery.builder().rejected(batch.changes().get(0), "BAD", "no").build(),
        Kind.REJECTED);
  }

  @Test
  @DisplayName("P1: unknown and then skipped stays unsure")
  void unknownThenSkippedStaysUnsure() {
    assertUnsureAfterUnknown(
        batch -> Delivery.builder().skipped(batch.changes().get(0)).build(), Kind.SKIPPED);
  }

  @Test
  @DisplayName("P1: unknown and then rejected with its batch stays unsure")
  void unknownThenBatchRejectedStaysUnsure() {
    assertUnsureAfterUnknown(
        batch -> {
          throw new BatchRejectedException("BAD", "no");
        },
        Kind.REJECTED);
  }

  @Test
  @DisplayName("P1: unknown and then not applied stays unsure")
  void unknownThenNotAppliedStaysUnsure() {
    assertUnsureAfterUnknown(
        batch -> {
          throw new NotAppliedException("down", Duration.ofDays(1));
        },
        Kind.UNKNOWN_ALONE);
    assertThat(scope.isStopped()).isTrue();
  }

  @Test
  @DisplayName("P1: unknown and then aborted stays unsure")
  void unknownThenAbortedStaysUnsure() {
    List<Outcome> outcomes =
        send(
            3,
            batch -> {
              scope.stop(new RunScope.Stop.Cancelled());
              throw new IOException("timed out");
            });
    assertThat(calls).hasSize(1);
    assertThat(kinds(outcomes)).containsOnly(Kind.UNKNOWN);
    assertThat(outcomes).allMatch(Outcome::unsure);
  }

  @Test
  @DisplayName("P1: unknown and then stopped by the destination stays unsure")
  void unknownThenStoppedByTheDestinationStaysUnsure() {
    assertUnsureAfterUnknown(
        batch -> {
          throw new StopRunException("QUOTA", "used up");
        },
        Kind.UNKNOWN_ALONE);
    assertThat(scope.isStopped()).isTrue();
  }

  @Test
  @DisplayName("P1: rejected for now, then unknown, then accepted is accepted")
  void rejectedThenUnknownThenAcceptedIsAccepted() {
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              if (calls.size() == 1) {
                return rejectFirstKey(batch, 0, Verdict.Retry.THIS_RUN);
              } else if (calls.size() == 2) {
                throw new IOException("timed out");
              }
              return Delivery.allAccepted();
            });
    assertThat(kinds(outcomes)).containsExactly(Kind.ACCEPTED);
    assertThat(outcomes.get(0).unsure()).isFalse();
    assertThat(outcomes.get(0).until()).isPositive();
  }

  @Test
  @DisplayName("P1: the other half of an unknown batch goes out before its smaller parts")
  void otherHalfGoesOutBeforeSmallerParts() {
    send(
        8,
        batch -> {
          if (ids(batch).contains("c0")) {
            throw new IOException("timed out");
          }
          return Delivery.allAccepted();
        });
    assertThat(calls)
        .containsExactly(
            ids(0, 8), ids(0, 8), ids(0, 4), ids(4, 8), ids(0, 2), ids(2, 4), ids(0, 1), ids(1, 2));
  }

  @Test
  @DisplayName("J-05: halving after unknown outcomes keeps to 2 log2(n) + 16 calls for each found")
  void halvingAfterUnknownOutcomesKeepsToItsBudget() {
    long seed = System.nanoTime();
    System.out.println("halvingAfterUnknownOutcomesKeepsToItsBudget: seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int rows = 1 + random.nextInt(round % 10 == 0 ? 1_000 : 40);
      double share = new double[] {0, 0.01, 0.1, 0.5, 1}[random.nextInt(5)];
      Set<String> bad =
          IntStream.range(0, rows)
              .filter(i -> random.nextDouble() < share)
              .mapToObj(Changes::id)
              .collect(Collectors.toSet());
      int before = calls.size();
      List<Outcome> outcomes =
          send(
              rows,
              batch -> {
                if (ids(batch).stream().anyMatch(bad::contains)) {
                  throw new IOException("reset");
                }
                return Delivery.allAccepted();
              });
      for (int i = 0; i < rows; i++) {
        assertThat(outcomes.get(i).kind())
            .as("row %d of %d, seed %d", i, rows, seed)
            .isEqualTo(bad.contains(Changes.id(i)) ? Kind.UNKNOWN_ALONE : Kind.ACCEPTED);
      }
      double each = 2 * Math.log(rows) / Math.log(2) + 16;
      assertThat(calls.size() - before)
          .as("calls for %d bad of %d, seed %d", bad.size(), rows, seed)
          .isLessThanOrEqualTo((int) Math.max(1, 1 + Math.ceil(bad.size() * each)));
    }
  }

  private void assertUnsureAfterUnknown(Writer second, Kind kind) {
    long began = time.millis();
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              if (calls.size() == 1) {
                throw new IOException("timed out");
              }
              return second.write(batch);
            });
    assertThat(calls).hasSize(2);
    assertThat(kinds(outcomes)).containsExactly(kind);
    assertThat(outcomes.get(0).unsure()).isTrue();
    assertThat(outcomes.get(0).until()).isEqualTo(began + DEADLINE.toMillis());
  }

  @Test
  @DisplayName("P3: rejected by name and then unknown is a rejection that is unsure")
  void rejectedThenUnknownIsARejectionThatIsUnsure() {
    List<Outcome> outcomes =
        send(
            1,
            batch -> {
              if (calls.size() > 1) {
                throw new IOException("timed out");
              }
              return rejectFirstKey(batch, 0, Verdict.Retry.THIS_RUN);
            });
    assertThat(calls).hasSize(3);
    assertThat(outcomes.get(0).kind()).isEqualTo(Kind.REJECTED);
    assertThat(outcomes.get(0).unsure()).isTrue();
    assertThat(outcomes.get(0).reason()).isEqualTo(new Hold.Reason("BUSY", "later"));
  }
}
