package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.ConfigurationException;
import io.fulmar.Mapping;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.spi.Verdict;
import io.fulmar.verify.fixture.BothEngines;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Remembered columns of real types. Before each test three accounts have been accepted, of which
 * owner, amount, seen, picture and tags are remembered, and plan is not.
 */
@BothEngines
class RememberedColumnsTest extends SourceFixture {
  private static final String MODEL =
      "select region, id, owner, amount, plan, seen, picture, tags from account";

  @BeforeEach
  void syncThreeAccounts() throws SQLException {
    database.execute(
        """
        create table account (region text, id int, owner text, amount numeric, plan text,
          seen timestamptz, picture bytea, tags jsonb, primary key (region, id))
        """,
        """
        insert into account values
          ('eu', 1, 'ada', 1.50, 'free', '2026-01-02 03:04:05+00', '\\x00ff', '{"a": [1]}'),
          ('eu', 2, null, null, 'free', null, null, null),
          ('us', 3, repeat('x', 100000), 'NaN', 'free', 'infinity', '', '[]')
        """);
    run(remembering().build()).throwIfFailed();
  }

  private Sync.Builder remembering() {
    return sync(MODEL, "region", "id")
        .remember("seen", "owner")
        .remember("amount", "picture", "tags")
        .onRemoved(Removal.DELETE);
  }

  private Change only(SyncReport report) {
    report.throwIfFailed();
    List<Change> changes = destination.changes(report.run());
    assertThat(changes).hasSize(1);
    return changes.get(0);
  }

  private static Map<String, @Nullable String> textsOf(@Nullable Row row, String... columns) {
    assertThat(row).isNotNull();
    Map<String, @Nullable String> texts = new LinkedHashMap<>();
    for (String column : columns.length == 0 ? row.columns() : List.of(columns)) {
      texts.put(column, row.text(column));
    }
    return texts;
  }

  @Test
  void removedHasItsKeyAndWhatIsRemembered() throws SQLException {
    database.execute("delete from account where id = 1");
    Change removed = only(run(remembering().build()));

    assertThat(removed.operation()).isEqualTo(Operation.REMOVED);
    assertThat(removed.key().columns()).containsExactly("region", "id");
    Row row = removed.row();
    assertThat(row.columns())
        .containsExactly("region", "id", "seen", "owner", "amount", "picture", "tags");
    assertThat(row.value("region")).isEqualTo("eu");
    assertThat(row.value("id")).isEqualTo(1);
    assertThat(row.value("owner")).isEqualTo("ada");
    assertThat(row.value("amount")).isEqualTo(new BigDecimal("1.50"));
    assertThat(row.value("seen")).isEqualTo(OffsetDateTime.parse("2026-01-02T03:04:05Z"));
    assertThat((byte[]) row.value("picture")).containsExactly(0, -1);
    assertThat(row.value("tags")).isEqualTo("{\"a\": [1]}");
    assertThat(row).hasToString("Row[region, id, seen, owner, amount, picture, tags]");
    assertThat(removed.previous()).isNull();
    assertThatThrownBy(() -> row.value("plan"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "there is no column plan; there are [region, id, seen, owner, amount, picture, tags]");
  }

  @Test
  void changedHasThePreviousValuesAndTheyAreCounted() throws SQLException {
    database.execute(
        "update account set owner = 'bob', amount = 1.5, plan = 'pro' where id = 1",
        "update account set plan = 'pro', amount = 0 where id = 2",
        "insert into account values ('us', 4, 'new', 0, '', null, null, null)");
    SyncReport report = run(remembering().build()).throwIfFailed();

    Map<Object, Row> previous = new LinkedHashMap<>();
    for (Change change : destination.changes(report.run())) {
      previous.put(change.key().value("id"), change.previous());
    }
    assertThat(previous.get(4)).as("was added").isNull();
    assertThat(textsOf(previous.get(1), "owner", "amount", "seen"))
        .isEqualTo(Map.of("owner", "ada", "amount", "1.50", "seen", "2026-01-02 03:04:05+00"));
    assertThat(textsOf(previous.get(2)).values()).containsOnlyNulls();
    assertThat(previous.get(2).columns())
        .containsExactly("seen", "owner", "amount", "picture", "tags");
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("seen", 0L);
    counts.put("owner", 1L);
    counts.put("amount", 2L);
    counts.put("picture", 0L);
    counts.put("tags", 0L);
    assertThat(report.changeSet()).isNotNull();
    assertThat(report.changeSet().columnChanges()).isEqualTo(counts);
    assertThat(report.changeSet().columnChanges().keySet())
        .containsExactlyElementsOf(counts.keySet());
  }

  @Test
  @DisplayName("P3: after a rejection the previous values are still those that were accepted")
  void previousStaysThatOfTheAcceptedVersion() throws SQLException {
    destination.verdicts(change -> new Verdict.Rejected("BAD", "no", Verdict.Retry.NEXT_RUN));
    database.execute("update account set owner = 'bob' where id = 1");
    run(remembering().build());
    database.execute("update account set owner = 'cyd' where id = 1");
    run(remembering().build());
    destination.acceptAll();
    Change changed = only(run(remembering().build()));
    assertThat(changed.row().text("owner")).isEqualTo("cyd");
    assertThat(textsOf(changed.previous(), "owner")).isEqualTo(Map.of("owner", "ada"));
    database.execute("delete from account where id = 1");
    assertThat(only(run(remembering().build())).row().text("owner")).isEqualTo("cyd");
  }

  @Test
  void namesAreThoseOfTheMapping() throws SQLException {
    Mapping mapping =
        Mapping.builder()
            .column("id", "Id")
            .column("owner", "Owner")
            .column("owner", "again")
            .compute("length", 1, List.of("owner"), row -> 0)
            .build();
    Sync sync =
        sync(MODEL, "region", "id")
            .mapping(mapping)
            .remember("plan", "owner")
            .onRemoved(Removal.DELETE)
            .build();
    run(sync).throwIfFailed();
    database.execute("update account set owner = 'bob' where id = 1");
    Change changed = only(run(sync));
    assertThat(textsOf(changed.previous())).isEqualTo(Map.of("plan", "free", "Owner", "ada"));
    assertThat(changed.row().columns()).containsExactly("Id", "Owner", "again", "length");
    database.execute("update account set plan = 'pro' where id = 1");
    Change other = only(run(sync));
    assertThat(textsOf(other.previous())).isEqualTo(Map.of("plan", "free", "Owner", "bob"));
    database.execute("update account set picture = 'x' where id = 1");
    assertThat(run(sync).total().planned()).as("not used").isZero();
    database.execute("delete from account where id = 1");
    Change removed = only(run(sync));
    assertThat(removed.key().columns()).containsExactly("region", "Id");
    assertThat(textsOf(removed.row()))
        .isEqualTo(Map.of("region", "eu", "Id", "1", "plan", "pro", "Owner", "bob"));
  }

  @Test
  @DisplayName("P9: what is remembered makes no row another one")
  void rememberingChangesNothing() throws SQLException {
    Sync none = sync(MODEL, "region", "id").onRemoved(Removal.DELETE).build();
    assertThat(run(none).throwIfFailed().total().planned()).isZero();
    Sync other = sync(MODEL, "region", "id").remember("plan").onRemoved(Removal.DELETE).build();
    assertThat(run(other).throwIfFailed().total().planned()).isZero();
    database.execute("update account set owner = 'bob' where id = 1");
    assertThat(only(run(other)).previous()).as("accepted under another list").isNull();
    database.execute("update account set owner = 'cyd' where id = 1");
    assertThat(textsOf(only(run(other)).previous())).isEqualTo(Map.of("plan", "free"));
  }

  @Test
  void typeThatChangedIsNotReadAsTheOldOne() throws SQLException {
    database.execute(
        "alter table account alter seen type date using null",
        "update account set plan = 'pro' where id = 1");
    SyncReport report = run(remembering().build()).throwIfFailed();
    assertThat(destination.changes(report.run()))
        .hasSize(3)
        .allMatch(change -> change.previous() == null);
    database.execute("update account set plan = 'max' where id = 1");
    assertThat(textsOf(only(run(remembering().build())).previous(), "owner", "seen"))
        .containsEntry("owner", "ada")
        .containsEntry("seen", null);
  }

  @Test
  @DisplayName("P3: a row that is too large leaves what is remembered as it is")
  void rowThatIsTooLargeLeavesWhatIsRemembered() throws SQLException {
    Sync small =
        sync(MODEL, "region", "id")
            .remember("owner")
            .onRemoved(Removal.DELETE)
            .maxRowBytes(200_000)
            .build();
    database.execute("update account set plan = 'pro'");
    run(small).throwIfFailed();
    database.execute(
        "update account set owner = repeat('y', 300000) where id = 1",
        "update account set owner = repeat('z', 90000) where id = 3");
    SyncReport report = run(small);
    assertThat(report.total().failed()).isEqualTo(1);
    assertThat(report.changeSet().columnChanges()).isEqualTo(Map.of("owner", 1L));
    assertThat(textsOf(destination.changes(report.run()).get(0).previous()))
        .isEqualTo(Map.of("owner", "x".repeat(100_000)));
    database.execute("update account set owner = 'ok' where id = 1");
    assertThat(textsOf(only(run(small)).previous())).isEqualTo(Map.of("owner", "ada"));
  }

  @Test
  void columnThatTheModelDoesNotHaveIsRefused() {
    Sync sync = sync(MODEL, "region", "id").remember("ower").build();
    assertThatThrownBy(() -> run(sync))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageMatching(
            "Cannot run crm: it remembers the column \"ower\", which the model rows does not return\\. Nearest is \"owner\"; it returns region, .*\\. \\[sync=crm run=\\d+]");
  }
}
