package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.Interval;
import io.fulmar.Operation;
import io.fulmar.Range;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Values with parts come out of plans and states as they went in, by whichever process and whatever
 * became of their types meanwhile. The table has a row with values and one without.
 */
@BothEngines
class KeptTypesTest extends SourceFixture {
  record Address(String street, int number) {}

  record Customer(int id, List<Integer> counts, Address home, Range<Integer> ages) {}

  @BeforeEach
  void createTable() throws SQLException {
    database.execute(
        "create type address as (street text, number int)",
        "create table t (id int primary key, counts int[], home address, ages int4range, span"
            + " interval)",
        "insert into t values (1, '{1,null}', '(Main,5)', '[18,65)', '1 mon'), (2, null, null, null, null)");
  }

  private Sync.Builder sync() {
    return sync("select * from t", "id").remember("counts", "home", "span");
  }

  private Change change(SyncReport report) {
    return destination.changes(report.run()).stream()
        .filter(change -> change.key().value("id").equals(1))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @DisplayName("a stored plan delivers the values of the types that it was made of")
  void storedPlanKeepsTheTypes() throws SQLException {
    database.execute("update t set counts = '{2}' where id = 1");
    ChangeSet plan;
    try (SyncEngine engine = open()) {
      plan = engine.plan(sync().build());
    }
    database.execute("alter type address add attribute city text cascade");
    SyncReport report;
    try (SyncEngine engine = open()) {
      report = engine.apply(sync().build(), plan.id()).throwIfFailed();
    }

    Row row = change(report).row();
    assertThat(row.value("home")).isEqualTo(Map.of("street", "Main", "number", 5));
    assertThat(row.as(Customer.class))
        .isEqualTo(
            new Customer(
                1,
                List.of(2),
                new Address("Main", 5),
                new Range<>(18, 65, Range.Bounds.CLOSED_OPEN)));
  }

  @Test
  @DisplayName("previous values have their types, in a change and in a removal")
  void previousValuesHaveTheirTypes() throws SQLException {
    Sync sync = sync().onRemoved(Removal.DELETE).build();
    run(sync).throwIfFailed();
    database.execute("update t set counts = '{7}', span = '1 day' where id = 1");
    Change changed = change(run(sync).throwIfFailed());
    assertThat(changed.previous()).isNotNull();
    assertThat(changed.previous().list("counts", Integer.class)).containsExactly(1, null);
    assertThat(changed.previous().value("home")).isEqualTo(Map.of("street", "Main", "number", 5));
    assertThat(changed.previous().value("span")).isEqualTo(new Interval(1, 0, 0));

    database.execute("delete from t where id = 1");
    Change removed = change(run(sync).throwIfFailed());
    assertThat(removed.operation()).isEqualTo(Operation.REMOVED);
    assertThat(removed.row().list("counts", Integer.class)).containsExactly(7);
    assertThat(removed.row().value("span", Interval.class)).isEqualTo(new Interval(0, 1, 0));
  }

  @Test
  @DisplayName("P9: an attribute more is another type of the column, and changes the row")
  void anotherAttributeIsAChange() throws SQLException {
    Sync sync = sync().build();
    run(sync).throwIfFailed();
    database.execute("alter type address add attribute city text cascade");

    Change changed = change(run(sync).throwIfFailed());

    assertThat(((Map<?, ?>) changed.row().value("home")).keySet())
        .isEqualTo(Set.of("street", "number", "city"));
    assertThat(changed.row().text("home")).isEqualTo("(Main,5,)");
  }
}
