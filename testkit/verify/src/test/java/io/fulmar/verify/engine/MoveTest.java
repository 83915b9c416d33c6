package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.spi.Verdict;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What the standard engine remembers goes over to Lightning: nothing is sent twice, nothing is
 * lost, and one engine alone goes on.
 */
@DisplayName("P1, P2, P3: moving from the standard engine to Lightning")
class MoveTest extends MoveFixture {
  private static final Verdict ACCEPTED = new Verdict.Accepted();
  private static final Verdict SKIPPED = new Verdict.Skipped();
  private static final Verdict REJECTED = new Verdict.Rejected("E42", "no", Verdict.Retry.NEXT_RUN);

  /** Keys that are not named are accepted; a null is no answer. */
  private void answers(Map<String, @Nullable Verdict> byId) {
    destination.verdicts(
        change -> {
          String id = change.key().text("id");
          return byId.containsKey(id) ? byId.get(id) : ACCEPTED;
        });
  }

  private Map<String, String> ids(SyncReport report) {
    return destination.changes(report.run()).stream()
        .collect(
            Collectors.toMap(change -> change.key().text("id"), Change::changeId, (a, b) -> b));
  }

  private static List<String> described(List<HeldChange> holds) {
    return holds.stream()
        .map(
            h ->
                String.join(
                    " ",
                    h.key().text("id"),
                    h.kind().name(),
                    h.subject().name(),
                    Integer.toString(h.attempts()),
                    String.valueOf(h.firstAt()),
                    String.valueOf(h.changeId()),
                    Boolean.toString(h.unsure()),
                    String.valueOf(h.code()),
                    String.valueOf(h.message())))
        .sorted()
        .toList();
  }

  @Test
  @DisplayName("P2: after a clean move nothing is planned, and what changes later is sent alone")
  void nothingIsSentTwice() throws Exception {
    Sync sync = items().build();
    SyncReport first = onStandard(sync);
    assertThat(first.status()).isEqualTo(RunStatus.SUCCEEDED);
    SyncStatus before = standard(engine -> engine.status(sync));

    move(sync);

    SyncStatus after = lightning(engine -> engine.status(sync));
    assertThat(after).usingRecursiveComparison().ignoringFields("lastRun.run").isEqualTo(before);
    SyncReport quiet = onLightning(sync);
    assertThat(quiet.total().planned()).isZero();
    assertThat(quiet.run()).isGreaterThan(first.run());
    database.execute("update item set price = 2 where id = 1", "delete from item where id = 2");
    SyncReport later = onLightning(sync);
    assertThat(sent(later)).containsExactly("CHANGED 1", "REMOVED 2");
    assertThat(destination.changes(later.run()))
        .allMatch(change -> change.sequence() > first.run());
  }

  @Test
  @DisplayName("P1: what changed after the last run of the standard engine is due")
  void whatChangedIsDue() throws Exception {
    Sync sync = items().build();
    onStandard(sync);
    database.execute(
        "update item set name = 'other' where id in (1, 2)",
        "delete from item where id = 3",
        "insert into item values (21, 'new', 1)");

    move(sync);

    assertThat(sent(onLightning(sync)))
        .containsExactly("ADDED 21", "CHANGED 1", "CHANGED 2", "REMOVED 3");
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("P3: every kind of hold goes on as it was, under its change id")
  void holdsGoOn() throws Exception {
    Sync sync = items().quarantineAfter(2, Duration.ZERO).batchRows(1).build();
    onStandard(sync);
    // 6 is rejected twice and quarantined, in time for everything else.
    database.execute("update item set name = 'b' where id = 6");
    answers(Map.of("6", REJECTED));
    onStandard(sync);
    database.execute(
        "update item set name = 'b' where id < 6", "delete from item where id in (7, 8, 9)");
    Map<String, @Nullable Verdict> verdicts =
        new HashMap<>(
            Map.of("1", REJECTED, "2", REJECTED, "3", SKIPPED, "6", REJECTED, "7", REJECTED));
    verdicts.put("4", null);
    verdicts.put("8", null);
    answers(verdicts);
    SyncReport rejecting = onStandard(sync);
    Map<String, String> firstIds = ids(rejecting);
    List<String> before = described(standard(engine -> engine.holds(sync, 100)));
    assertThat(before)
        .extracting(text -> text.split(" ")[0] + " " + text.split(" ")[1])
        .containsExactly(
            "1 REJECTED",
            "2 REJECTED",
            "3 SKIPPED",
            "4 OPEN",
            "6 QUARANTINED",
            "7 REJECTED",
            "8 OPEN");
    database.execute("update item set name = 'c' where id = 2");

    move(sync);

    assertThat(described(lightning(engine -> engine.holds(sync, 100)))).isEqualTo(before);
    assertThat(lightning(engine -> engine.status(sync)).unsure()).isEqualTo(2);
    destination.acceptAll();
    SyncReport again = onLightning(sync);
    assertThat(sent(again))
        .as("as it was: 1, 4, 7, 8; in another version: 2; held: 3, 6")
        .containsExactly("CHANGED 1", "CHANGED 2", "CHANGED 4", "REMOVED 7", "REMOVED 8");
    for (String same : List.of("1", "4", "7", "8")) {
      assertThat(ids(again)).containsEntry(same, firstIds.get(same));
    }
    assertThat(ids(again).get("2")).isNotEqualTo(firstIds.get("2"));
    assertThat(onLightning(sync).total().planned()).isZero();
    long released = lightning(engine -> engine.release(sync));
    assertThat(released).isEqualTo(2);
    assertThat(sent(onLightning(sync))).containsExactly("CHANGED 3", "CHANGED 6");
  }

  @Test
  @DisplayName("P1: a change without an answer is sent again although the source went back")
  void unsureChangeIsSentThoughTheSourceWentBack() throws Exception {
    Sync sync = items().batchRows(1).build();
    onStandard(sync);
    database.execute("update item set name = 'b' where id = 1");
    answers(Collections.singletonMap("1", null));
    onStandard(sync);
    database.execute("update item set name = 'item 1' where id = 1");

    move(sync);

    destination.acceptAll();
    assertThat(sent(onLightning(sync))).containsExactly("CHANGED 1");
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("P4: a key whose last call may still act is sent when it cannot any more")
  void callThatMayStillActIsWaitedFor() throws Exception {
    Sync sync = items().batchRows(1).build();
    onStandard(sync);
    database.execute("update item set name = 'b' where id = 1");
    answers(Collections.singletonMap("1", null));
    onStandard(sync);

    move(sync);

    assertThat(query("select count(*) from fulmar_planner.s1_holds where until > 0"))
        .isEqualTo("1");
    assertThat(query("select until > 0 from fulmar_planner.fulmar_syncs")).isEqualTo("t");
    assertThatThrownBy(
            () ->
                lightning(
                    engine -> {
                      engine.forget(sync);
                      return sync;
                    }))
        .isInstanceOf(StateException.class)
        .hasMessageContaining("may still act");
  }

  @Test
  @DisplayName("keys that left the model under IGNORE stay gone, and are sent when they come back")
  void goneKeysStayGone() throws Exception {
    Sync sync = items().onRemoved(Removal.IGNORE).build();
    onStandard(sync);
    database.execute("delete from item where id in (1, 2)");
    onStandard(sync);
    assertThat(standard(engine -> engine.status(sync)).syncedKeys()).isEqualTo(20);

    move(sync);

    SyncReport quiet = onLightning(sync);
    assertThat(quiet.total().planned()).isZero();
    assertThat(quiet.changeSet().ignored()).as("seen before").isZero();
    database.execute("insert into item values (1, 'item 1', 1.5), (2, 'other', 1)");
    assertThat(sent(onLightning(sync)))
        .as("what version 1 had is not known under the new hash, so it is sent once more")
        .containsExactly("CHANGED 1", "CHANGED 2");
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("remembered values are those of the accepted versions")
  void rememberedValuesGoOver() throws Exception {
    Sync sync = items().remember("price", "name").build();
    database.execute("update item set name = null where id = 3");
    onStandard(sync);
    database.execute(
        "update item set name = 'b' where id in (1, 3)", "delete from item where id = 2");

    move(sync);

    SyncReport report = onLightning(sync);
    assertThat(destination.changes(report.run()))
        .extracting(MoveTest::before)
        .containsExactlyInAnyOrder("1 item 1 1.50", "2 item 2 3.00", "3 null 4.50");
  }

  private static String before(Change change) {
    Row previous = change.operation() == Operation.REMOVED ? change.row() : change.previous();
    return "%s %s %s"
        .formatted(change.key().text("id"), previous.text("name"), previous.text("price"));
  }

  @Test
  @DisplayName("P9: values of every kind, and keys of every kind, are the same under both hashes")
  void everyKindOfValueIsTheSame() throws Exception {
    database.execute(
        "create type mood as enum ('ok', 'sad')",
        "create domain label as varchar(9)",
        "create type pair as (a int, b text)",
        """
        create table odd as
        select (i / 3.0)::numeric as k1, ('k' || i)::varchar(9) as k2, i::int2 as k3,
          date '2000-01-01' + i as k4, md5(i::text)::uuid as k5, ('p' || i)::char(5) as k6,
          i % 2 = 0 as b, i::int8 * 4294967296 as i8, i / 7.0::float4 as f4, -i / 7.0::float8 as f8,
          i::numeric(20, 5) as n, null::numeric as nothing, decode(md5(i::text), 'hex') as raw,
          timestamp '2000-01-01 00:00:00.123456' + i * interval '1 hour' as ts,
          timestamptz 'infinity' as tz, time '23:59:59.5' as t, timetz '12:00+03' as tzt,
          make_interval(months => i, days => i) as iv, '{"a": 1.0}'::json as j, '{"b": null}'::jsonb as jb,
          'ok'::mood as m, 'x'::label as l, row(i, 'y')::pair as c, int4range(i, i + 5) as r,
          array[i, null] as a, '10.0.0.1/24'::inet as net, '08:00:2b:01:02:03'::macaddr as mac,
          repeat('z', 3000) as long, '<a/>'::xml as x, '(1,2)'::point as p, ' blanks  '::char(12) as bp
        from generate_series(1, 50) i
        """);
    Sync sync = sync("select * from odd", "k1", "k2", "k3", "k4", "k5", "k6").build();
    assertThat(onStandard(sync).total().succeeded()).isEqualTo(50);

    move(sync);

    assertThat(onLightning(sync).total().planned()).isZero();
    database.execute("update odd set f8 = f8 + 1 where k3 = 7");
    assertThat(onLightning(sync).total().planned()).isEqualTo(1);
  }

  @Test
  @DisplayName("P8: of a key that is ambiguous meanwhile, what was accepted is not forgotten")
  void ambiguousKeyStaysAsItWas() throws Exception {
    database.execute("create view doubled as select id, name, price from item");
    Sync sync = sync("select id, name, price from doubled", "id").build();
    onStandard(sync);
    database.execute(
        """
        create or replace view doubled as
        select id, name, price from item
        union all select id, 'twin', price from item where id = 1
        union all select id, name, price from item where id = 2
        """);

    move(sync);

    SyncReport ambiguous = onLightning(sync);
    assertThat(ambiguous.total().planned()).isZero();
    assertThat(invalid(ambiguous)).containsExactly("DUPLICATE_KEY 1 x2", "DUPLICATE_KEY 2 x2");
    database.execute("create or replace view doubled as select id, name, price from item");
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("P3: a row that is too large stays rejected, and is no other one under the new hash")
  void rowThatIsTooLargeStaysRejected() throws Exception {
    database.execute("update item set name = repeat('x', 5000) where id = 1");
    Sync sync = items().maxRowBytes(2_000).build();
    onStandard(sync);
    String id = standard(engine -> engine.holds(sync, 10)).get(0).changeId();

    move(sync);

    SyncReport report = onLightning(sync);
    assertThat(report.total().planned()).isEqualTo(1);
    HeldChange held = lightning(engine -> engine.holds(sync, 10)).get(0);
    assertThat(held.attempts()).isEqualTo(2);
    assertThat(held.changeId()).isEqualTo(id);
  }

  @Test
  @DisplayName("P2: a run of the standard engine that was killed is taken in before")
  void interruptedRunIsTakenInFirst() throws Exception {
    Sync sync = items().build();
    onStandard(sync);
    database.execute("update item set name = 'b' where id <= 4");
    try (StandardStore store =
            new StandardStore(source(), state, StandardStore.MissingState.BEGIN, 1 << 20, clock);
        Claim claim = store.claim(sync)) {
      StoredPlan plan = claim.plan(PlanRequest.RUN, rows -> {});
      try (PlanReader reader = claim.open(plan)) {
        assertThat(reader.next(10, 1 << 20)).hasSize(4);
        claim.reserve(0, 3, clock.millis() + 20_000);
        claim.acknowledge(0, List.of(Outcome.ACCEPTED));
        claim.flush();
      }
    }

    move(sync);

    List<HeldChange> holds = lightning(engine -> engine.holds(sync, 10));
    assertThat(holds).hasSize(2).allMatch(HeldChange::unsure);
    assertThat(onLightning(sync).total().planned()).as("one was accepted").isEqualTo(3);
  }

  @Test
  @DisplayName("the standard engine refuses what was moved, until it is forgotten there")
  void standardEngineRefusesWhatWasMoved() throws Exception {
    Sync sync = items().build();
    onStandard(sync);

    move(sync);

    for (Function<SyncEngine, Object> ask :
        List.<Function<SyncEngine, Object>>of(
            engine -> engine.run(sync),
            engine -> engine.plan(sync),
            engine -> engine.status(sync),
            engine -> engine.holds(sync, 1),
            engine -> engine.explain(sync, 1))) {
      assertThatThrownBy(() -> standard(ask))
          .isInstanceOf(StateException.class)
          .hasMessageMatching(
              "Cannot use the state of crm in .*: it was moved to Lightning, schema fulmar_planner\\."
                  + " Run the sync there; or forget it here, and it begins anew\\. \\[sync=crm]");
    }
    standard(
        engine -> {
          engine.forget(sync);
          return sync;
        });
    assertThat(onStandard(sync).total().planned()).isEqualTo(20);
    assertThat(onLightning(sync).total().planned()).as("it goes on by itself").isZero();
  }

  @Test
  void secondMoveDoesNothing() throws Exception {
    Sync sync = items().build();
    onStandard(sync);
    move(sync);
    database.execute("update item set name = 'b' where id = 1");
    assertThat(sent(onLightning(sync))).containsExactly("CHANGED 1");

    move(sync);

    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  void syncThatNeverSentAnythingIsMoved() throws Exception {
    Sync sync = items().build();
    standard(
        engine -> {
          engine.initialise(sync, io.fulmar.Start.SEND);
          return sync;
        });

    move(sync);

    assertThat(onLightning(sync).total().planned()).isEqualTo(20);
  }

  @Test
  @DisplayName("many held changes keep their kinds")
  void kindsAreKept() {
    Sync sync = items().build();
    answers(Map.of("1", REJECTED, "2", SKIPPED));
    onStandard(sync);

    move(sync);

    SyncStatus status = lightning(engine -> engine.status(sync));
    assertThat(status.holds(HoldKind.REJECTED)).isEqualTo(1);
    assertThat(status.holds(HoldKind.SKIPPED)).isEqualTo(1);
    assertThat(status.syncedKeys()).isEqualTo(18);
  }
}
