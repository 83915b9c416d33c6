package io.fulmar.lightning.internal.schema;

import io.fulmar.Source;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.spi.CheckSteps;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether the engine could work in a database: whether it may write to both schemas, which it
 * tries and takes back, whether what lies there is its own, and what else in the server it would
 * meet. It has a connection of its own, so that no run waits for a check. Used by one thread.
 */
public final class LightningCheck implements AutoCloseable {
  /** The name of the step that tries the planner schema. */
  public static final String PLANNER = "write to the planner schema";

  private static final String AUDIT = "write to the audit schema";
  private static final String PUBLICATIONS = "publications";
  private static final String LIMITS = "limits of the server";

  /** The names of all steps. */
  public static final List<String> STEPS = List.of(PLANNER, AUDIT, PUBLICATIONS, LIMITS);

  private static final String CREDENTIALS = "credentials";
  private static final Duration IDLE = Duration.ofMinutes(1);
  private static final Duration LONGEST = Duration.ofSeconds(10);
  private static final int NEEDED_CONNECTIONS = 3;

  /** That of this check is given back. */
  private static final int OWN_CONNECTIONS = 1;

  private static final int SCHEMAS_IN_PUBLICATIONS = 150_000;
  private static final String INSTEAD =
      "a subscriber that lacks them stops applying, and its slot holds back WAL";

  private final Database database;
  private final Schemas schemas;
  private final List<OwnTable> logs;
  private final @Nullable String sync;
  private final String about;
  private final CheckSteps steps;

  /**
   * A check.
   *
   * @param source where the schemas are
   * @param logs the tables of the audit schema that are used
   * @param sync the name of the sync whose tables are looked at, too; null for none
   * @param steps takes what is found; its source steps have been taken
   */
  public LightningCheck(
      Source source,
      Schemas schemas,
      List<OwnTable> logs,
      @Nullable String sync,
      CheckSteps steps) {
    this.database = new Database(source, "fulmar check", IDLE);
    this.schemas = schemas;
    this.logs = List.copyOf(logs);
    this.sync = sync;
    this.about = sync == null ? "" : "[sync=" + sync + "]";
    this.steps = steps;
  }

  /** Takes all steps. */
  public void look() {
    steps.stepAfter(CREDENTIALS, PLANNER, this::planner);
    steps.stepAfter(CREDENTIALS, AUDIT, this::audit);
    steps.stepAfter(CREDENTIALS, PUBLICATIONS, this::publications);
    steps.stepAfter(CREDENTIALS, LIMITS, this::limits);
  }

  /** What is asked of the server. */
  private record Server(boolean standby, int version) {}

  private void planner(CheckSteps.Findings findings) throws SQLException {
    write(
        schemas.planner(),
        findings,
        connection -> {
          Provision provision = new Provision(schemas);
          List<Fault> faults = new ArrayList<>(provision.faults(connection));
          Long slot = faults.isEmpty() && sync != null ? slot(connection, sync) : null;
          if (slot != null) {
            faults.addAll(provision.faults(connection, schemas.tables(slot)));
          }
          return faults;
        });
  }

  private @Nullable Long slot(Connection connection, String name) throws SQLException {
    if (!Provision.isThere(connection, schemas)) {
      return null;
    }
    try (PreparedStatement statement =
        OneShot.prepare(connection, CheckSql.SLOT.with("syncs", schemas.syncs()).sql())) {
      statement.setString(1, name);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? row.getLong(1) : null;
      }
    }
  }

  private void audit(CheckSteps.Findings findings) throws SQLException {
    write(
        schemas.audit(),
        findings,
        connection -> Provision.faults(connection, schemas.audit(), logs));
  }

  /** What is wrong with a schema. */
  private interface Faults {
    List<Fault> in(Connection connection) throws SQLException;
  }

  private void write(String schema, CheckSteps.Findings findings, Faults wrong)
      throws SQLException {
    if (server().standby()) {
      findings.failure(
          "the server is a hot standby and takes no writes (sqlstate=25006)",
          "Give the address of the primary, or use StandardEngine, which only reads");
      return;
    }
    List<Fault> faults;
    try (Transaction transaction = begin()) {
      faults = wrong.in(transaction.connection());
      faults.forEach(fault -> findings.failure(fault.fact(), fault.remedy()));
      if (faults.isEmpty()) {
        probe(transaction, schema);
        findings.found("a table was made in %s and taken back".formatted(Identifier.of(schema)));
      }
    }
  }

  private void probe(Transaction transaction, String schema) {
    String name = "fulmar_check_" + Long.toHexString(ThreadLocalRandom.current().nextLong());
    try {
      transaction.execute(CheckSql.PROBE.with("table", Identifier.of(schema, name)).sql());
    } catch (SQLException e) {
      throw SqlStates.stateException("write to " + Identifier.of(schema), e, about);
    }
  }

  private void publications(CheckSteps.Findings findings) throws SQLException {
    int version = server().version();
    int found = 0;
    try (Transaction transaction = begin()) {
      Connection connection = transaction.connection();
      Array ours =
          connection.createArrayOf("text", new Object[] {schemas.planner(), schemas.audit()});
      try (PreparedStatement statement = OneShot.prepare(connection, CheckSql.PUBLICATIONS.sql())) {
        statement.setArray(1, ours);
        statement.setArray(2, ours);
        try (ResultSet rows = statement.executeQuery()) {
          for (; rows.next(); found++) {
            publication(rows.getString(1), rows.getString(2), rows.getString(3), version, findings);
          }
        }
      }
      if (version >= SCHEMAS_IN_PUBLICATIONS) {
        try (PreparedStatement statement =
            OneShot.prepare(connection, CheckSql.PUBLICATIONS_OF_SCHEMAS.sql())) {
          statement.setArray(1, ours);
          try (ResultSet rows = statement.executeQuery()) {
            for (; rows.next(); found++) {
              findings.warning(
                  "the publication %s takes in all tables in %s: %s"
                      .formatted(rows.getString(1), rows.getString(2), INSTEAD),
                  "alter publication %s drop tables in schema %s"
                      .formatted(rows.getString(1), rows.getString(2)));
            }
          }
        }
      }
    }
    if (found == 0) {
      findings.found("none takes in Fulmar's tables");
    }
  }

  private static void publication(
      String name,
      @Nullable String table,
      @Nullable String otherSchemas,
      int version,
      CheckSteps.Findings findings) {
    if (table != null) {
      findings.warning(
          "the publication %s takes in %s: %s".formatted(name, table, INSTEAD),
          "alter publication %s drop table %s".formatted(name, table));
      return;
    }
    boolean bySchema = version >= SCHEMAS_IN_PUBLICATIONS && otherSchemas != null;
    findings.warning(
        "the publication %s takes in all tables, those of Fulmar, too: %s".formatted(name, INSTEAD),
        "Name what it publishes (Debezium: publication.autocreate.mode=filtered): drop publication %s; create publication %s for %s"
            .formatted(
                name,
                name,
                bySchema ? "tables in schema " + otherSchemas : "table ... (each of its tables)"));
  }

  private void limits(CheckSteps.Findings findings) throws SQLException {
    try (Transaction transaction = begin()) {
      transaction.list(
          CheckSql.CONNECTIONS.sql(),
          row -> {
            connections("the server", row.getString(1), "Raise max_connections", findings);
            connections(
                "the database", row.getString(2), "alter database ... connection limit", findings);
            connections(
                "the role",
                row.getString(3),
                "alter role %s connection limit -1".formatted(Identifier.of(row.getString(4))),
                findings);
            return findings;
          });
      transaction.list(
          CheckSql.SLOTS.sql(),
          row -> {
            Identifier slot = Identifier.of(row.getString(1));
            if (row.getBoolean(2)) {
              findings.found(
                  "the replication slot %s decodes what runs write, too; large ones go through the disk (logical_decoding_work_mem)"
                      .formatted(slot));
            } else {
              findings.warning(
                  "nobody reads the replication slot %s: the server keeps all WAL for it, that of runs, too"
                      .formatted(slot),
                  "Let its reader run, or drop the slot: select pg_drop_replication_slot(...)");
            }
            return slot;
          });
      transaction.list(
          CheckSql.EVENT_TRIGGERS.sql(),
          row -> {
            findings.found(
                "the event trigger %s runs a function of %s whenever Fulmar makes or drops a table"
                    .formatted(row.getString(1), row.getString(2)));
            return row.getString(1);
          });
    }
  }

  /**
   * How many more connections there could be.
   *
   * @param free null for as many as one likes
   */
  private static void connections(
      String of, @Nullable String free, String remedy, CheckSteps.Findings findings) {
    if (free == null) {
      return;
    }
    long more = Math.max(0, Long.parseLong(free) + OWN_CONNECTIONS);
    if (more < NEEDED_CONNECTIONS) {
      findings.warning(
          "%s has %s connections left, and a run takes up to %s"
              .formatted(of, more, NEEDED_CONNECTIONS),
          remedy);
    } else {
      findings.found("%s has %s connections left".formatted(of, more));
    }
  }

  private Server server() throws SQLException {
    try (Transaction transaction = limited(database.beginReading("fulmar check", about))) {
      return transaction
          .first(CheckSql.SERVER.sql(), row -> new Server(row.getBoolean(1), row.getInt(2)))
          .orElseThrow();
    }
  }

  private Transaction begin() throws SQLException {
    return limited(database.begin("fulmar check", about));
  }

  /** Lets no statement take more than a third of what is left, and no lock half of it. */
  private Transaction limited(Transaction transaction) throws SQLException {
    long millis = Math.max(1, Math.min(LONGEST.toMillis(), steps.remaining().toMillis() / 3));
    try (PreparedStatement statement = transaction.prepare(CheckSql.LIMIT.sql())) {
      statement.setString(1, millis + "ms");
      statement.setString(2, Math.max(1, millis / 2) + "ms");
      statement.executeQuery().close();
      return transaction;
    } catch (SQLException e) {
      transaction.close();
      throw e;
    }
  }

  @Override
  public void close() {
    database.close();
  }
}
