package io.fulmar.lightning.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.internal.source.Access;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.SourceSession;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What is taken for proven about a key: what the server's planner knows, and never what is not so.
 */
class KeyProofTest extends OnEveryMajor {
  private static final String[] TABLES = {
    "create table keyed (id int primary key, u text not null unique, n text unique, v int, d int not null unique deferrable)",
    "create table many (id int not null references keyed, v int)",
    "create unique index partly on many (v) where v > 0",
    "create table pairs (a int, b char(3), v int, primary key (a, b))",
    "create table parts (id int primary key, v int) partition by range (id)",
    "create table part partition of parts for values from (0) to (1000)",
    "create table parent (id int primary key)",
    "create table child () inherits (parent)",
    "create view seen as select id, v from keyed where v > 0",
    "create domain code as int",
    "create table coded (id code primary key)",
    "create unique index lowered on keyed (lower(u))"
  };

  /** Keys of which none occurs twice, and that are never NULL. */
  private static Map<String, String> proven() {
    Map<String, String> models = new LinkedHashMap<>();
    models.put("select id, v from keyed", "id");
    models.put("select u, v from keyed where v > 3", "u");
    models.put("select a, b, v from pairs", "a,b");
    models.put("select id from coded", "id");
    models.put("select * from seen", "id");
    models.put("select id, v from keyed where random() >= 0", "id");
    models.put(
        "select k.id, m.v from keyed k left join (select id, max(v) as v from many group by id) m on m.id = k.id",
        "id");
    return models;
  }

  /** Keys that may occur twice, or be NULL, or of which the planner does not know. */
  private static Map<String, String> doubtful() {
    Map<String, String> models = new LinkedHashMap<>();
    models.put("select id, v from many", "id");
    models.put("select v, id from many", "v");
    models.put("select d, v from keyed", "d");
    models.put("select m.v, k.id from keyed k join many m on m.id = k.id", "id");
    models.put("select id from keyed union all select id from keyed", "id");
    models.put("select id from parent", "id");
    models.put("select id / 2 as id from keyed", "id");
    models.put("select a, v from pairs", "a");
    models.put("select id from keyed, generate_series(1, 2)", "id");
    models.put("select id from keyed limit 10", "id");
    return models;
  }

  private KeyProof proof(String query, String key) {
    String[] columns = key.split(",");
    Model model =
        Model.query("rows", query)
            .key(columns[0], columns.length > 1 ? new String[] {columns[1]} : new String[0]);
    try (SourceSession session = fixture.session(Access.READ)) {
      return KeyProof.of(session.connection(), Describer.describe(session, model));
    } catch (SQLException e) {
      throw new IllegalStateException(query, e);
    }
  }

  @BeforeEach
  void createTables() throws SQLException {
    fixture.database.execute(TABLES);
  }

  @Test
  void nothingIsTakenForProvenThatIsNotSo() {
    doubtful().forEach((query, key) -> assertThat(proof(query, key).unique()).as(query).isFalse());
  }

  @Test
  void indexesAndConstraintsAreProofs() {
    proven()
        .forEach(
            (query, key) ->
                assertThat(proof(query, key)).as(query).isEqualTo(new KeyProof(true, major >= 17)));
  }

  @Test
  void keysThatMayBeNullAreNotTakenForWhole() {
    assertThat(proof("select n, v from keyed", "n")).isEqualTo(new KeyProof(true, false));
    assertThat(proof("select lower(u) as u from keyed", "u")).isEqualTo(new KeyProof(true, false));
    assertThat(
            proof(
                    "select m.id from keyed k full join (select distinct id from many) m on m.id = k.id",
                    "id")
                .notNull())
        .isFalse();
    assertThat(proof("select m.id from parts p left join keyed m on m.id = p.id", "id").notNull())
        .isFalse();
  }

  @Test
  @DisplayName("P8: an index that the snapshot does not show proves nothing of its rows")
  void indexThatIsYoungerThanTheSnapshotIsNoProof() throws SQLException {
    fixture.database.execute(
        "create table young (id int, v text)", "insert into young values (1, 'a'), (1, 'b')");
    try (SourceSession session = fixture.session(Access.READ)) {
      fixture.database.execute(
          "begin; delete from young where v = 'b'; alter table young add primary key (id); commit");
      Model model = Model.query("rows", "select id, v from young").key("id");
      KeyProof proof = KeyProof.of(session.connection(), Describer.describe(session, model));
      assertThat(proof.unique()).isFalse();
    }
    assertThat(proof("select id, v from young", "id").unique()).isTrue();
  }
}
