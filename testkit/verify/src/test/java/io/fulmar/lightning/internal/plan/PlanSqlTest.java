package io.fulmar.lightning.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.source.Access;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.PlanRequest.Kind;
import io.fulmar.internal.store.Rules;
import java.io.ByteArrayOutputStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every statement of planning runs on every major version, and says the same there. */
class PlanSqlTest extends OnEveryMajor {

  @BeforeEach
  void createTables() throws SQLException {
    fixture.database.execute(
        "create table src (id int, key text, v text, n numeric)",
        "insert into src select i, 'k' || i, 'v', i from generate_series(1, 20) i");
  }

  private static Sync sync() {
    return PlanFixture.sync(Model.query("rows", "select id, key, v, n from src").key("id", "key"))
        .onRemoved(Removal.DELETE)
        .remember("v", "n")
        .build();
  }

  @Test
  void plansOfEveryKindAreMade() throws SQLException {
    PlanHead first = fixture.plan(sync());
    assertThat(first.counts().total()).isEqualTo(20);
    fixture.takeAll(first);
    fixture.database.execute(
        "delete from src where id = 1",
        "update src set v = 'x' where id = 2",
        "insert into src values (21, 'k21', 'v', 21), (null, 'k', 'v', 0), (22, repeat('k', 2001), 'v', 0)",
        "insert into src select * from src where id = 4",
        "insert into src values (23, 'k23', 'v', 1), (23, 'k23', 'v', 2)");
    PlanHead state = fixture.plan(sync());
    assertThat(state.counts().planned()).containsExactly(1L, 1L, 1L);
    assertThat(state.counts().invalid()).isEqualTo(6);
    assertThat(state.invalidRows()).hasSize(4);
    assertThat(state.samples()).hasSize(3);
    fixture.database.execute(
        "insert into fulmar_planner.s1_holds (k0, k1, kind, version, attempts, first_at, planned_by, planned_as, unsure, until) values (2, 'k2', 'REJECTED', 5, 1, 1, 1, 'CHANGED', true, 0), (30, 'k30', 'OPEN', null, 1, 1, 1, 'REMOVED', true, 0)");
    PlanHead held = fixture.plan(sync());
    assertThat(held.counts().planned()).containsExactly(1L, 1L, 2L);
    for (Kind kind : List.of(Kind.RESYNC, Kind.RESET, Kind.FILL)) {
      PlanHead asked = fixture.plan(sync(), PlanRequest.of(kind));
      assertThat(asked.counts().invalid()).as("%s", kind).isEqualTo(6);
      assertThat(asked.counts().rows()).as("%s", kind).isEqualTo(25);
    }
    PlanHead part =
        fixture.plan(
            sync(), new PlanRequest(Kind.RUN, List.of(List.of("1", "k1"), List.of("2", "k2"))));
    assertThat(part.counts().planned()).containsExactly(0L, 1L, 1L);
  }

  @Test
  void headsAreKeptAndDropped() throws Exception {
    PlanHead head = fixture.plan(sync());
    PlanStore store = new PlanStore(fixture.schemas, "crm", fixture.tables);
    try (Connection connection = fixture.database.connect()) {
      connection.setAutoCommit(false);
      PlanHead stored = store.read(connection, head.run());
      assertThat(stored).isNotNull();
      assertThat(stored.plan()).usingRecursiveComparison().isEqualTo(head.plan());
      store.write(connection, head.withGuards(List.of("too many")));
      assertThat(store.read(connection, head.run()).plan().changeSet().guards())
          .containsExactly("too many");
      store.tidy(connection, Set.of(head.run()), List.of());
      assertThat(store.read(connection, head.run())).isNotNull();
      store.tidy(connection, Set.of(), List.of());
      assertThat(store.read(connection, head.run())).isNull();
      assertThat(store.delete(connection, head.run())).isFalse();
      connection.commit();
    }
    assertThat(fixture.one("select count(*) from pg_class where relname like 's1_plan%'"))
        .isEqualTo("0");
  }

  @Test
  void keysAreLookedAt() throws Exception {
    fixture.takeAll(fixture.plan(sync()));
    try (SourceSession session = fixture.session(Access.READ)) {
      KeyLook look = KeyLook.at(session, sync(), fixture.record, List.of("2", "k2"));
      assertThat(look.rows()).isEqualTo(1);
      assertThat(look.row()).isNotNull();
      assertThat(look.memory(fixture.tables, 0)).startsWith("/* fulmar: memory of key */");
      assertThat(
              session
                  .driver()
                  .getCopyAPI()
                  .copyOut(look.memory(fixture.tables, 0), new ByteArrayOutputStream()))
          .isEqualTo(1);
    }
  }

  /** From 16 on a full join is planned for several processes; before, for one. */
  @Test
  void comparisonIsParallelWhereTheServerCanDoThat() throws Exception {
    fixture.database.execute(
        "truncate src",
        "insert into src select i, 'k' || i, 'v', i from generate_series(1, 20000) i");
    fixture.takeAll(fixture.plan(sync()));
    fixture.database.execute("analyze src", "analyze fulmar_planner.s1_state_0");
    for (Comparison.Memory memory :
        List.of(Comparison.Memory.STATE, Comparison.Memory.STATE_AND_HOLDS)) {
      List<String> lines = explained(memory);
      assertThat(lines.stream().anyMatch(line -> line.contains("Parallel Hash Full Join")))
          .as("%s: %s", memory, lines)
          .isEqualTo(major >= 16);
    }
    assertThat(explained(Comparison.Memory.NONE))
        .anyMatch(line -> line.contains("Parallel Seq Scan on src"));
  }

  private List<String> explained(Comparison.Memory memory) throws Exception {
    try (SourceSession session = fixture.session(Access.READ);
        Statement statement = session.connection().createStatement()) {
      ModelShape shape = Describer.describe(session, sync().model());
      PlanHead.Columns columns =
          new PlanHead.Columns(
              shape.keySignature(),
              shape.rowShape(),
              shape.keyShape(),
              StoredKey.of(shape),
              Remembered.NOTHING,
              false);
      String plan =
          Comparison.of(shape, RowHash.of(shape, "seed"), columns, 1 << 24)
              .remembering(memory)
              .plan(
                  fixture.tables,
                  0,
                  PlanRequest.RUN,
                  new Rules(SyncMode.UPSERT, Removal.DELETE, true, 10, Duration.ofHours(24), null),
                  2,
                  PlanFixture.RUN,
                  PlanFixture.NOW);
      for (String setting :
          List.of("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size")) {
        statement.execute("set local %s = 0".formatted(setting));
      }
      statement.execute("set local enable_mergejoin = off");
      List<String> lines = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery("explain (costs off) " + plan)) {
        while (rows.next()) {
          lines.add(rows.getString(1));
        }
      }
      return lines;
    }
  }
}
