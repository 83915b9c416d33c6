package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.DeliveryException;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.RunEvent;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.store.Outcome;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An engine inside an application: its threads and what goes with them, Errors out of the
 * destination, and interrupts and {@code close()} wherever a run can be. After each test no thread
 * is left, the store has seen no breach of its protocol, and no uncaught exception came up.
 */
class LifeTest {
  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time);
  private final List<Throwable> uncaught = Collections.synchronizedList(new ArrayList<>());
  private final Thread.@Nullable UncaughtExceptionHandler before =
      Thread.getDefaultUncaughtExceptionHandler();
  private Runner runner = new Runner(store, settings());

  private RunnerSettings settings() {
    return RunnerSettings.defaults().withClock(time).withWaiter(time);
  }

  @BeforeEach
  void listen() {
    Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> uncaught.add(thrown));
  }

  @AfterEach
  void nothingIsLeft() throws InterruptedException {
    runner.close();
    EngineThreads.assertNoneLeft();
    Thread.setDefaultUncaughtExceptionHandler(before);
    assertThat(uncaught).isEmpty();
    assertThat(store.breaches()).isEmpty();
    assertThat(Thread.interrupted()).isFalse();
  }

  /** A destination of which each part can be made to do something. */
  private static class Scripted extends TestDestination {
    @Override
    public Writer open(RunContext run) {
      return new Writer() {
        @Override
        public Delivery write(Batch batch) throws Exception {
          return Scripted.this.write(batch);
        }

        @Override
        public void close() {
          Scripted.this.close();
        }
      };
    }

    Delivery write(Batch batch) throws Exception {
      return batch.size() > 0 ? Delivery.allAccepted() : Delivery.builder().build();
    }

    void close() {}
  }

  private static Sync.Builder sync(String name, Destination destination) {
    return Sync.builder(name)
        .model(Model.query("customers", "select 1 as id").key("id"))
        .to(destination)
        .batchRows(2);
  }

  private void assertUsable(String... syncs) {
    for (String name : syncs) {
      store.plan(Changes.added(3));
      SyncReport report = runner.run(sync(name, new Scripted()).build()).throwIfFailed();
      assertThat(report.total().accepted()).isEqualTo(3);
    }
  }

  // -------------------------------------------------------------------------------------- threads

  @Test
  @DisplayName(
      "everything runs on threads of the factory, which have names and the builder's loader")
  void everythingRunsOnThreadsOfTheFactory() throws Exception {
    Set<Thread> made = ConcurrentHashMap.newKeySet();
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    Set<ClassLoader> loaders = ConcurrentHashMap.newKeySet();
    ClassLoader own = Thread.currentThread().getContextClassLoader();
    try (URLClassLoader ofApplication = new URLClassLoader(new URL[0], own)) {
      Thread.currentThread().setContextClassLoader(ofApplication);
      RunnerSettings settings = settings();
      Thread.currentThread().setContextClassLoader(own);
      runner =
          new Runner(
              store,
              settings.withThreads(
                  task -> {
                    Thread thread = settings.threads().newThread(task);
                    made.add(thread);
                    return thread;
                  }));
      store.plan(Changes.added(20));
      Scripted destination =
          new Scripted() {
            @Override
            Delivery write(Batch batch) {
              seen.add(Thread.currentThread());
              loaders.add(Thread.currentThread().getContextClassLoader());
              return Delivery.allAccepted();
            }
          };
      Sync sync =
          sync("crm", destination)
              .lanes(3)
              .listener(
                  event -> {
                    seen.add(Thread.currentThread());
                    loaders.add(Thread.currentThread().getContextClassLoader());
                  })
              .build();
      runner.run(sync).throwIfFailed();
      assertThat(made).containsAll(seen).allMatch(Thread::isDaemon);
      assertThat(made)
          .extracting(Thread::getName)
          .containsExactlyInAnyOrder(
              "fulmar-crm-run",
              "fulmar-crm-deadline",
              "fulmar-crm-lane-1",
              "fulmar-crm-lane-2",
              "fulmar-crm-lane-3");
      assertThat(loaders).containsExactly(ofApplication);
    } finally {
      Thread.currentThread().setContextClassLoader(own);
    }
  }

  @Test
  @DisplayName("the context of the caller goes to the run, its lanes and its listeners")
  void contextOfTheCallerGoesWithEveryTask() {
    ThreadLocal<String> trace = new ThreadLocal<>();
    Set<String> seen = ConcurrentHashMap.newKeySet();
    List<String> handedOverOn = Collections.synchronizedList(new ArrayList<>());
    runner =
        new Runner(
            store,
            settings()
                .withContext(
                    task -> {
                      handedOverOn.add(Thread.currentThread().getName());
                      String mine = trace.get();
                      return () -> {
                        trace.set(mine);
                        try {
                          task.run();
                        } finally {
                          trace.remove();
                        }
                      };
                    }));
    store.plan(Changes.added(3));
    Scripted destination =
        new Scripted() {
          @Override
          Delivery write(Batch batch) {
            seen.add("write " + trace.get());
            return Delivery.allAccepted();
          }

          @Override
          void close() {
            seen.add("close " + trace.get());
          }
        };
    trace.set("t-1");
    runner
        .run(sync("crm", destination).listener(event -> seen.add("event " + trace.get())).build())
        .throwIfFailed();
    trace.remove();
    assertThat(seen).containsExactlyInAnyOrder("write t-1", "close t-1", "event t-1");
    assertThat(handedOverOn).containsExactly(Thread.currentThread().getName(), "fulmar-crm-run");
  }

  @Test
  void contextThatBreaksALaneFailsTheRun() {
    AtomicBoolean breaks = new AtomicBoolean(true);
    runner =
        new Runner(
            store,
            settings()
                .withContext(
                    task ->
                        () -> {
                          if (breaks.get() && Thread.currentThread().getName().contains("lane")) {
                            throw new IllegalStateException("no context");
                          }
                          task.run();
                        }));
    store.plan(Changes.added(3));
    SyncReport report = runner.run(sync("crm", new Scripted()).build());
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .hasMessageContaining("a lane broke: java.lang.IllegalStateException");
    breaks.set(false);
    assertUsable("crm");
  }

  @Test
  void contextThatDoesNotRunItsTaskIsSaid() {
    AtomicBoolean forgets = new AtomicBoolean(true);
    runner = new Runner(store, settings().withContext(task -> forgets.get() ? () -> {} : task));
    assertThatThrownBy(() -> assertUsable("crm"))
        .isInstanceOf(IllegalStateException.class)
        .hasRootCauseMessage("the context did not run its task");
    forgets.set(false);
    assertUsable("crm");
  }

  // --------------------------------------------------------------------------------------- errors

  /** Where a destination throws an Error. */
  enum Where {
    OPEN,
    WRITE,
    CLOSE
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("A-08: an Error out of the destination fails the run, and the engine goes on")
  void errorOutOfTheDestinationFailsTheRun(Where where) {
    List<Supplier<Error>> errors =
        List.of(
            () -> new OutOfMemoryError("value 4711"),
            () -> new StackOverflowError("value 4711"),
            () -> new NoClassDefFoundError("value 4711"),
            () -> new AssertionError("value 4711"));
    for (Supplier<Error> error : errors) {
      String name = error.get().getClass().getName();
      store.plan(Changes.added(4));
      Destination destination =
          new Scripted() {
            @Override
            public Writer open(RunContext run) {
              fail(Where.OPEN);
              return super.open(run);
            }

            @Override
            Delivery write(Batch batch) {
              fail(Where.WRITE);
              return Delivery.allAccepted();
            }

            @Override
            void close() {
              fail(Where.CLOSE);
            }

            private void fail(Where here) {
              if (here == where) {
                throw error.get();
              }
            }
          };
      SyncReport report = runner.run(sync("crm", destination).build());
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(report.error())
          .isInstanceOf(DeliveryException.class)
          .hasMessageContaining(name)
          .hasMessageNotContaining("4711");
      assertThat(store.log()).contains("fold FAILED").endsWith("close");
      int unsure = where == Where.WRITE ? 2 : 0;
      assertThat(report.total().failed()).isEqualTo(unsure);
      assertThat(store.outcomes().stream().filter(outcome -> outcome != null && outcome.unsure()))
          .hasSize(unsure);
      assertUsable("crm", "other");
    }
  }

  @Test
  @DisplayName("A-08: an Error does not touch a run of another sync that is going on")
  void errorDoesNotTouchARunOfAnotherSync() throws Exception {
    CountDownLatch going = new CountDownLatch(1);
    CountDownLatch failed = new CountDownLatch(1);
    PlanStore otherStore = new PlanStore(time).plan(Changes.added(6));
    store.plan(Changes.added(6));
    try (Runner both = new Runner(new TwoStores(store, otherStore), settings())) {
      AtomicReference<SyncReport> other = new AtomicReference<>();
      Thread caller =
          new Thread(
              () ->
                  other.set(
                      both.run(
                          sync(
                                  "second",
                                  new Scripted() {
                                    @Override
                                    Delivery write(Batch batch) throws Exception {
                                      going.countDown();
                                      assertThat(failed.await(20, TimeUnit.SECONDS)).isTrue();
                                      return Delivery.allAccepted();
                                    }
                                  })
                              .build())));
      caller.start();
      assertThat(going.await(20, TimeUnit.SECONDS)).isTrue();
      SyncReport report =
          both.run(
              sync(
                      "first",
                      new Scripted() {
                        @Override
                        Delivery write(Batch batch) {
                          throw new OutOfMemoryError();
                        }
                      })
                  .build());
      failed.countDown();
      caller.join();
      assertThat(report.status()).isEqualTo(RunStatus.FAILED);
      assertThat(other.get().throwIfFailed().total().accepted()).isEqualTo(6);
    }
  }

  // ------------------------------------------------------------------------- interrupts and close

  /** Where a run is when it is interrupted or closed. */
  enum Phase {
    READING,
    PLANNED,
    OPENING,
    CALLING,
    BACKOFF,
    EARLIER_CALL,
    CLOSING,
    LAST_EVENT
  }

  /** What happens to it there. */
  private interface Blow {
    /** Strikes; gives whether the run has taken notice. */
    BooleanSupplier strike(Thread caller);
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("A-09: an interrupt at any point ends the run in order, and the flag is kept")
  void interruptAtAnyPointEndsTheRunInOrder(Phase phase) throws Exception {
    assertEndsInOrder(
        phase,
        caller -> {
          caller.interrupt();
          return () -> !caller.isInterrupted() && caller.getState() == Thread.State.WAITING;
        },
        true);
    assertUsable("crm");
  }

  @ParameterizedTest
  @EnumSource
  @DisplayName("A-09: close() at any point ends the run in order")
  void closeAtAnyPointEndsTheRunInOrder(Phase phase) throws Exception {
    AtomicReference<Thread> closer = new AtomicReference<>();
    assertEndsInOrder(
        phase,
        caller -> {
          Thread thread = new Thread(runner::close, "closer");
          closer.set(thread);
          thread.start();
          return () -> thread.getState() == Thread.State.TIMED_WAITING;
        },
        false);
    closer.get().join();
    assertThatThrownBy(() -> runner.run(sync("crm", new Scripted()).build()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the engine is closed");
  }

  private void assertEndsInOrder(Phase phase, Blow blow, boolean keepsFlag) throws Exception {
    AtomicReference<Thread> caller = new AtomicReference<>();
    AtomicBoolean struck = new AtomicBoolean();
    AtomicReference<BooleanSupplier> noticed = new AtomicReference<>(() -> false);
    CountDownLatch stopped = new CountDownLatch(1);
    Runnable strike =
        () -> {
          if (struck.compareAndSet(false, true)) {
            noticed.set(blow.strike(caller.get()));
            awaitQuietly(stopped); // as a call, a listener or a wait does that takes its time
          }
        };
    RunnerSettings waiting =
        settings()
            .withWaiter(
                (stop, duration) -> {
                  strike.run();
                  assertThat(stop.await(20, TimeUnit.SECONDS)).isTrue();
                });
    boolean waits = phase == Phase.BACKOFF || phase == Phase.EARLIER_CALL;
    runner.close();
    runner = new Runner(store, waits ? waiting : settings());
    Destination destination =
        new Scripted() {
          @Override
          public Writer open(RunContext run) {
            at(Phase.OPENING);
            return super.open(run);
          }

          @Override
          Delivery write(Batch batch) throws Exception {
            at(Phase.CALLING);
            if (phase == Phase.BACKOFF) {
              throw new NotAppliedException("busy", Duration.ofSeconds(1));
            }
            return Delivery.allAccepted();
          }

          @Override
          void close() {
            at(Phase.CLOSING);
          }

          private void at(Phase here) {
            if (here == phase) {
              strike.run();
            }
          }
        };
    if (phase == Phase.EARLIER_CALL) {
      long until = time.millis() + 5_000;
      store.plan(List.of(Changes.of(0, Operation.CHANGED, 0, 100, false, until)));
    } else {
      store.plan(Changes.added(6));
    }
    Sync sync =
        sync("crm", destination)
            .listener(
                event -> {
                  if (phase == Phase.READING && event instanceof RunEvent.Reading
                      || phase == Phase.PLANNED && event instanceof RunEvent.Planned
                      || phase == Phase.LAST_EVENT && event instanceof RunEvent.Ended) {
                    strike.run();
                  }
                })
            .build();
    AtomicReference<SyncReport> report = new AtomicReference<>();
    AtomicBoolean flag = new AtomicBoolean();
    Thread thread =
        new Thread(
            () -> {
              report.set(runner.run(sync));
              flag.set(Thread.currentThread().isInterrupted());
            },
            "caller");
    caller.set(thread);
    thread.start();
    while (!noticed.get().getAsBoolean()) {
      Thread.onSpinWait();
    }
    stopped.countDown();
    thread.join();

    boolean tooLate = phase == Phase.CLOSING || phase == Phase.LAST_EVENT;
    if (phase == Phase.LAST_EVENT) {
      assertThat(report.get().status()).isEqualTo(RunStatus.SUCCEEDED);
    } else {
      assertThat(report.get().status()).isEqualTo(RunStatus.CANCELLED);
    }
    assertThat(flag.get()).isEqualTo(keepsFlag);
    assertThat(store.log()).as("the claim is given back").endsWith("close");
    long accepted =
        store.outcomes().stream().filter(outcome -> Outcome.ACCEPTED.equals(outcome)).count();
    assertThat(report.get().total().accepted()).isEqualTo(accepted);
    assertThat(accepted).isEqualTo(phase == Phase.CALLING ? 2 : tooLate ? 6 : 0);
    assertThat(report.get().total().failed()).isZero();
    assertThat(store.folded()).isEqualTo(phase != Phase.READING && phase != Phase.PLANNED);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts here within the grace", e);
    }
  }
}
