package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.fulmar.ChangeSet;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunEvent;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The lines that a run writes to the log, word for word (times aside): they change only with a line
 * in the changelog. The logger is at DEBUG, so that nothing is overlooked.
 */
class RunLogTest {
  private static final Logger LOG = (Logger) LoggerFactory.getLogger("io.fulmar.run");

  private final ManualTime time = new ManualTime();
  private final PlanStore store = new PlanStore(time);
  private final ListAppender<ILoggingEvent> lines =
      new ListAppender<>() {
        @Override
        protected void append(ILoggingEvent event) {
          event.prepareForDeferredProcessing(); // takes the logging context of the thread
          super.append(event);
        }
      };
  private final Runner runner =
      new Runner(store, RunnerSettings.defaults().withClock(time).withWaiter(time));

  @BeforeEach
  void listen() {
    lines.start();
    LOG.setLevel(Level.DEBUG);
    LOG.setAdditive(false);
    LOG.addAppender(lines);
  }

  @AfterEach
  void stopListening() throws InterruptedException {
    runner.close();
    LOG.detachAppender(lines);
    LOG.setAdditive(true);
    LOG.setLevel(null);
    assertThat(store.breaches()).isEmpty();
    EngineThreads.assertNoneLeft();
  }

  private static Sync.Builder sync(String identity, Writer writer) {
    return Sync.builder("crm")
        .model(Model.query("customers", "select 1 as id").key("id"))
        .to(Destination.of(identity, writer))
        .onRemoved(Removal.DELETE);
  }

  private List<String> lines() {
    return lines.list.stream()
        .map(event -> event.getLevel() + " " + event.getFormattedMessage())
        .map(line -> line.replaceAll("(plan|deliver|fold)=\\d+\\.\\ds", "$1=0.0s"))
        .toList();
  }

  private static List<PlannedChange> mixed() {
    List<PlannedChange> plan = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      Operation operation = i < 2 ? Operation.REMOVED : i < 5 ? Operation.CHANGED : Operation.ADDED;
      plan.add(Changes.of(i, operation, i));
    }
    return plan;
  }

  @Test
  void runWithoutTroubleWritesOneLineAtItsStartAndOneAtItsEnd() {
    store.plan(mixed());
    SyncReport report =
        runner.run(sync("crm:contacts", batch -> Delivery.allAccepted()).build()).throwIfFailed();
    assertThat(lines())
        .containsExactly(
            "INFO sync=crm run=%d started model=customers destination=crm:contacts"
                .formatted(report.run()),
            "INFO sync=crm run=%d status=SUCCEEDED way=full added=4 changed=3 removed=2 succeeded=9 failed=0 held=0 invalid=0 plan=0.0s deliver=0.0s fold=0.0s"
                .formatted(report.run()));
    assertThat(lines.list).allMatch(event -> event.getThrowableProxy() == null);
  }

  @Test
  void rejectionsAreOneWarningPerOperationAndCode() {
    store.plan(mixed());
    SyncReport report =
        runner.run(
            sync(
                    "crm:contacts",
                    batch -> {
                      Delivery.Builder answer = Delivery.builder();
                      batch
                          .changes()
                          .forEach(
                              change -> {
                                switch (change.operation()) {
                                  case ADDED -> answer.rejected(change, "BAD_EMAIL", "no address");
                                  case CHANGED ->
                                      answer.rejected(change, "BAD_EMAIL", "no at sign");
                                  case REMOVED -> answer.accepted(change);
                                }
                              });
                      return answer.build();
                    })
                .build());
    assertThat(lines())
        .containsExactly(
            "INFO sync=crm run=%d started model=customers destination=crm:contacts"
                .formatted(report.run()),
            "WARN sync=crm run=%d failed=4 operation=ADDED code=BAD_EMAIL message=\"no address\""
                .formatted(report.run()),
            "WARN sync=crm run=%d failed=3 operation=CHANGED code=BAD_EMAIL message=\"no at sign\""
                .formatted(report.run()),
            "INFO sync=crm run=%d status=WARNING way=full added=4 changed=3 removed=2 succeeded=2 failed=7 held=0 invalid=0 plan=0.0s deliver=0.0s fold=0.0s"
                .formatted(report.run()));
  }

  @Test
  void failedRunIsOneErrorWithItsRemedy() {
    store.plan(mixed());
    SyncReport report =
        runner.run(
            sync(
                    "crm:contacts",
                    batch -> {
                      throw new StopRunException("QUOTA", "used up");
                    })
                .build());
    assertThat(lines())
        .containsExactly(
            "INFO sync=crm run=%d started model=customers destination=crm:contacts"
                .formatted(report.run()),
            "ERROR Cannot deliver all of crm: the destination stopped the run (QUOTA): used up. What was accepted is remembered, the rest stays due. [sync=crm run=%d]"
                .formatted(report.run()),
            "INFO sync=crm run=%d status=FAILED way=full added=4 changed=3 removed=2 succeeded=0 failed=0 held=0 invalid=0 plan=0.0s deliver=0.0s fold=0.0s"
                .formatted(report.run()));
  }

  @Test
  void runThatPlannedNothingWentNoWay() {
    store.fails("plan", new StateException("Cannot keep the plan: the disk is full. Make room."));
    SyncReport report = runner.run(sync("crm:contacts", batch -> Delivery.allAccepted()).build());
    assertThat(report.way()).isEmpty();
    assertThat(lines())
        .contains(
            "INFO sync=crm run=%d status=FAILED way=none added=0 changed=0 removed=0 succeeded=0 failed=0 held=0 invalid=0 plan=0.0s deliver=0.0s fold=0.0s"
                .formatted(report.run()));
  }

  @Test
  void reportSaysWhichWayAStoreWentAndWhy() {
    store.plan(Changes.added(1));
    SyncReport report = runner.run(sync("crm:contacts", batch -> Delivery.allAccepted()).build());
    assertThat(report.way())
        .contains(new ChangeSet.Way(ChangeSet.Way.Kind.FULL, "this store has all changes at once"));
  }

  @Test
  void heldRunIsOneErrorThatNamesTheApproval() {
    List<PlannedChange> plan = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      plan.add(Changes.of(i, Operation.REMOVED, i));
    }
    store.plan(plan).live(200, 150);
    SyncReport report = runner.run(sync("crm:contacts", batch -> Delivery.allAccepted()).build());
    assertThat(lines())
        .containsExactly(
            "INFO sync=crm run=%d started model=customers destination=crm:contacts"
                .formatted(report.run()),
            ("ERROR Cannot deliver plan %d (added 0, changed 0, removed 150): 150 of 200 synced keys would be removed, more than 30 %% and 100."
                    + " Approve it by engine.apply(sync, \\\"%d\\\"), or mend the source and run again. [sync=crm run=%d]")
                .formatted(report.run(), report.run(), report.run()),
            "INFO sync=crm run=%d status=HELD way=full added=0 changed=0 removed=150 succeeded=0 failed=0 held=0 invalid=0 plan=0.0s deliver=0.0s fold=0.0s"
                .formatted(report.run()));
  }

  @Test
  void controlCharactersAreEscapedSoThatNoMessagePassesForALine() {
    store.plan(Changes.added(1));
    SyncReport report =
        runner.run(
            sync(
                    "crm\r\nINFO forged",
                    batch ->
                        Delivery.acceptedExcept()
                            .answer(
                                "c0",
                                new Verdict.Rejected(
                                    "A\tB",
                                    "two\nlines, \"quoted\" \\ \u001b[31mred \u202e \u2028 ä",
                                    Verdict.Retry.NEXT_RUN))
                            .build())
                .build());
    assertThat(lines())
        .contains(
            "INFO sync=crm run=%d started model=customers destination=crm\\u000d\\u000aINFO forged"
                .formatted(report.run()),
            "WARN sync=crm run=%d failed=1 operation=ADDED code=A\\u0009B message=\"two\\u000alines, \\\"quoted\\\" \\\\ \\u001b[31mred \\u202e \\u2028 ä\""
                .formatted(report.run()));
    assertThat(lines()).noneMatch(line -> line.chars().anyMatch(Character::isISOControl));
  }

  @Test
  @DisplayName("P11: neither values nor messages of foreign exceptions reach the log")
  void noValuesReachTheLog() {
    store.plan(Changes.added(3));
    runner.run(
        sync(
                "crm:contacts",
                batch -> {
                  throw new IllegalStateException("value 4711 of key 12345");
                })
            .build());
    assertThat(lines()).anyMatch(line -> line.contains("java.lang.IllegalStateException"));
    assertThat(lines()).noneMatch(line -> line.contains("4711") || line.contains("12345"));
    assertThat(lines.list).allMatch(event -> event.getThrowableProxy() == null);
  }

  @Test
  void syncRunAndStepAreInTheLoggingContextOfEveryThread() {
    store.plan(Changes.added(3));
    List<Map<String, String>> inCalls = Collections.synchronizedList(new ArrayList<>());
    List<String> inEvents = Collections.synchronizedList(new ArrayList<>());
    MDC.put("request", "outside");
    SyncReport report =
        runner.run(
            sync(
                    "crm:contacts",
                    batch -> {
                      inCalls.add(MDC.getCopyOfContextMap());
                      return Delivery.allAccepted();
                    })
                .listener(
                    event -> {
                      if (!(event instanceof RunEvent.Reading)) {
                        inEvents.add(
                            event.getClass().getSimpleName() + " " + MDC.get("fulmar.step"));
                      }
                    })
                .build());
    assertThat(inCalls)
        .isNotEmpty()
        .allSatisfy(
            context ->
                assertThat(context)
                    .containsEntry("fulmar.sync", "crm")
                    .containsEntry("fulmar.run", Long.toString(report.run()))
                    .containsEntry("fulmar.step", "deliver"));
    assertThat(inEvents)
        .startsWith("Started claim", "Planned plan", "Delivering deliver")
        .endsWith("Ended fold");
    assertThat(lines.list)
        .allSatisfy(
            event ->
                assertThat(event.getMDCPropertyMap())
                    .containsEntry("fulmar.sync", "crm")
                    .containsEntry("fulmar.run", Long.toString(report.run())));
    assertThat(MDC.getCopyOfContextMap()).containsExactly(Map.entry("request", "outside"));
    MDC.clear();
  }

  @Test
  void listenerThatThrowsIsAWarningWithoutItsMessage() {
    store.plan(Changes.added(1));
    runner.run(
        sync("crm:contacts", batch -> Delivery.allAccepted())
            .listener(
                event -> {
                  if (event instanceof RunEvent.Planned) {
                    throw new IllegalStateException("value 4711");
                  }
                })
            .build());
    assertThat(lines())
        .contains("WARN a listener threw, and goes on being told: java.lang.IllegalStateException")
        .hasSize(3);
  }
}
