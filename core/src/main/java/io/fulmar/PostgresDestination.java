package io.fulmar;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fulmar.internal.destination.TableTarget;
import io.fulmar.internal.destination.TableWriter;
import io.fulmar.internal.destination.TargetCheck;
import io.fulmar.internal.sql.ColumnDefinition;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A table in a PostgreSQL database, 14 to 18: the source's own or any other. The columns of the
 * model are the columns of the table, by name. Immutable and threadsafe; each lane of a run opens
 * one connection and closes it, or borrows one of the application's for each batch.
 *
 * <pre>{@code
 * Destination customers = PostgresDestination.builder(warehouse)
 *     .table("public", "customers")
 *     .sequenceColumn("fulmar_sequence")
 *     .build();
 * }</pre>
 *
 * <p>A batch is one transaction: {@code COPY} into a temporary table, then one statement for all
 * rows. It needs SELECT, INSERT, UPDATE and DELETE on the table, TEMPORARY on the database, and for
 * INSERT and UPSERT a unique constraint or index on exactly the key columns. Nothing is created
 * unless {@link Builder#createTableIfMissing} was called; what is missing is said with the SQL that
 * makes it.
 *
 * <table>
 * <caption>What becomes of a change</caption>
 * <tr><th>action</th><th>row there</th><th>row not there</th></tr>
 * <tr><td>INSERT</td><td>skipped; accepted if all its columns are equal, for then an earlier try got through</td>
 * <td>inserted</td></tr>
 * <tr><td>UPDATE</td><td>updated</td><td>skipped</td></tr>
 * <tr><td>UPSERT</td><td>updated</td><td>inserted</td></tr>
 * <tr><td>DELETE</td><td>deleted</td><td>accepted</td></tr>
 * <tr><td>CLEAR</td><td>columns set to NULL</td><td>accepted</td></tr>
 * </table>
 *
 * <p>A row that the table refuses (SQLSTATE classes 22, 23 and 44, errors of triggers) is rejected
 * with the SQLSTATE as code and the names of constraint, table and column, without values; the
 * other rows of its batch pass. Values travel as PostgreSQL's text and are read with ISO dates and
 * time zone UTC, whatever the role's settings; {@code synchronous_commit} is at least {@code on}.
 *
 * <p>Without a sequence column a call that outlived its deadline may still overwrite a newer
 * version. With one it cannot; see {@link Builder#sequenceColumn}.
 */
public final class PostgresDestination implements Destination {
  private final TableTarget target;
  private final String identity;
  private final Capabilities capabilities;

  private PostgresDestination(TableTarget target, String identity, Capabilities capabilities) {
    this.target = target;
    this.identity = identity;
    this.capabilities = capabilities;
  }

  /**
   * Begins a destination.
   *
   * @param target how to connect; its statement and lock timeout bound what is run. No statement
   *     runs longer than four fifths of {@link Sync.Builder#callDeadline}, no answer is awaited for
   *     longer than nine tenths of it, and nothing is committed after it, whatever they are
   */
  public static Builder builder(Source target) {
    return new Builder(Objects.requireNonNull(target, "target"));
  }

  /** {@code "postgresql"}. */
  @Override
  public String type() {
    return "postgresql";
  }

  /** {@code "postgresql:host:port/database/schema.table"}, or {@link Builder#identity}. */
  @Override
  public String identity() {
    return identity;
  }

  /** Refuses a destination that writes together with a state that is kept elsewhere. */
  static void checkOutsideState(Sync sync) {
    if (sync.destination() instanceof PostgresDestination table && table.target.joined()) {
      throw new ConfigurationException(
          TableWriter.notJoined(table.target) + " [sync=" + sync.name() + "]");
    }
  }

  /** All actions; for the rest see {@link Builder}. */
  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  /** A writer that connects with its first batch. */
  @Override
  public Writer open(RunContext run) {
    return new TableWriter(target, Objects.requireNonNull(run, "run"));
  }

  /**
   * Deletes every row of the table in one transaction, also rows that no sync put there; tombstones
   * stay. Takes as long as PostgreSQL does, so {@link Sync.Builder#callDeadline} must suit the size
   * of the table.
   */
  @Override
  public void clear(RunContext run) throws Exception {
    try (TableWriter writer = new TableWriter(target, Objects.requireNonNull(run, "run"))) {
      writer.clear();
    }
  }

  /**
   * Looks at the way to the server, whether it takes writes, at the table (columns, types, unique
   * key, sequence, tombstones) and at each grant that the actions of the sync need. Connects once
   * and reads catalogs alone.
   */
  @Override
  public void check(CheckContext sync, CheckSteps steps) {
    Objects.requireNonNull(steps, "steps");
    try (TargetCheck check = new TargetCheck(target, Objects.requireNonNull(sync, "sync"))) {
      check.look(steps);
    }
  }

  /** Names the destination, without secrets. */
  @Override
  public String toString() {
    return OneLine.of("PostgresDestination[" + identity + "]");
  }

  /** Collects the settings of a destination. Not threadsafe. */
  public static final class Builder {
    private final Source target;
    private final Capabilities.Builder capabilities =
        Capabilities.builder()
            .actions(Action.values())
            .canClear()
            .maxRows(10_000)
            .maxBytes(16L << 20)
            .concurrency(4);
    private @Nullable String schema;
    private @Nullable String table;
    private @Nullable String identity;
    private @Nullable String sequenceColumn;
    private @Nullable String tombstoneTable;
    private @Nullable Duration keepTombstones;
    private @Nullable Map<String, String> columnTypes;
    private @Nullable List<String> clearColumns;
    private boolean exactlyOnce;

    private Builder(Source target) {
      this.target = target;
    }

    /**
     * The table. Required.
     *
     * @param schema its schema, as the catalog has it: unquoted, upper and lower case as they are
     * @param table its name, likewise
     * @throws IllegalArgumentException if a name is empty or longer than 63 bytes
     */
    public Builder table(String schema, String table) {
      this.schema = name("schema", schema);
      this.table = name("table", table);
      return this;
    }

    /**
     * What {@link Destination#identity} says. Default: made of host, port, database and table;
     * required for a source of the application's data source.
     */
    public Builder identity(String value) {
      if (Objects.requireNonNull(value, "identity").isBlank()) {
        throw new IllegalArgumentException("identity must not be blank");
      }
      identity = value;
      return this;
    }

    /**
     * Keeps {@link Change#sequence} in this column (bigint), so that an older write never wins over
     * a newer one: it is accepted, because the table holds a newer version, and changes nothing. A
     * row that holds NULL there counts as older than any.
     *
     * <p>DELETE and CLEAR then leave a <em>tombstone</em>, key and sequence, in a second table, so
     * that an older UPSERT or INSERT that comes late does not bring the row back. Default: no
     * sequence is kept.
     */
    public Builder sequenceColumn(String column) {
      sequenceColumn = name("sequenceColumn", column);
      return this;
    }

    /**
     * Where tombstones live, in the schema of the table. Default: the name of the table and {@code
     * _fulmar_tombstones}. Only with {@link #sequenceColumn}.
     */
    public Builder tombstoneTable(String value) {
      tombstoneTable = name("tombstoneTable", value);
      return this;
    }

    /**
     * How long tombstones are kept, 1 h to 3650 days; must be longer than any call can be late.
     * Purged when a run deletes. Default 7 days. Only with {@link #sequenceColumn}.
     */
    public Builder keepTombstones(Duration value) {
      keepTombstones =
          Checks.inRange("keepTombstones", value, Duration.ofHours(1), Duration.ofDays(3650));
      return this;
    }

    /**
     * Creates the table with the first batch if there is none, its primary key being the model's
     * key, and with a sequence column that column and the table of tombstones. A table that exists
     * is not altered. Default: nothing is created.
     *
     * @param columnTypes the type of each column as PostgreSQL writes it, for example {@code
     *     "numeric(10,2)"}; the order of the map is that of the columns
     * @throws IllegalArgumentException if something is no name or no type
     */
    public Builder createTableIfMissing(Map<String, String> columnTypes) {
      Map<String, String> copy =
          new LinkedHashMap<>(Objects.requireNonNull(columnTypes, "columnTypes"));
      copy.forEach(
          (column, type) -> {
            name("columnTypes", column);
            Objects.requireNonNull(type, "columnTypes");
            new ColumnDefinition(Identifier.of(column), type);
          });
      if (copy.isEmpty()) {
        throw new IllegalArgumentException("columnTypes must not be empty");
      }
      this.columnTypes = Collections.unmodifiableMap(copy);
      return this;
    }

    /**
     * Commits each batch together with the note that it was accepted, so that every change is
     * applied exactly once: a crash at any point leaves both or neither, and no outcome is unknown.
     * The table must be in the database in which {@code LightningEngine} keeps its state, which is
     * checked with the first batch; rows are written by the engine's connections with the rights of
     * its role, and need those of this destination besides. Other engines refuse it. Default: each
     * batch is a transaction of its own, applied at least once.
     */
    public Builder exactlyOnce() {
      exactlyOnce = true;
      return this;
    }

    /**
     * What CLEAR sets to NULL. Default: every column but those of the key, the sequence and
     * generated ones; if one of them is NOT NULL, the run stops and asks for this setting.
     */
    public Builder clearColumns(String... columns) {
      Objects.requireNonNull(columns, "clearColumns");
      if (columns.length == 0) {
        throw new IllegalArgumentException("clearColumns must not be empty");
      }
      for (String column : columns) {
        name("clearColumns", column);
      }
      clearColumns = List.of(columns);
      return this;
    }

    /**
     * Most rows in a batch, 1 to 100,000; {@link Sync.Builder#batchRows} counts too. Default
     * 10,000.
     */
    public Builder maxRows(int rows) {
      capabilities.maxRows(rows);
      return this;
    }

    /** Most bytes of row values in a batch, at least 1. Default 16 MiB (16,777,216). */
    public Builder maxBytes(long bytes) {
      capabilities.maxBytes(bytes);
      return this;
    }

    /** Most batches, so connections, at once: 1 to 256. Default 4. */
    public Builder concurrency(int connections) {
      capabilities.concurrency(connections);
      return this;
    }

    /**
     * The destination.
     *
     * @throws IllegalStateException if table or identity are missing, or tombstones are set without
     *     a sequence column
     */
    public PostgresDestination build() {
      String theSchema = schema;
      String theTable = table;
      if (theSchema == null || theTable == null) {
        throw new IllegalStateException("table(...) is missing");
      }
      if (sequenceColumn == null && (tombstoneTable != null || keepTombstones != null)) {
        throw new IllegalStateException(
            "tombstoneTable(...) and keepTombstones(...) need sequenceColumn(...)");
      }
      if (identity == null && target.dataSource() != null) {
        throw new IllegalStateException(
            "identity(...) is missing: a data source does not say where it leads");
      }
      String tombstones = tombstoneTable;
      if (tombstones == null) {
        tombstones = theTable + "_fulmar_tombstones";
        if (sequenceColumn != null && tombstones.getBytes(UTF_8).length > 63) {
          throw new IllegalStateException(
              "tombstoneTable(...) is missing: the default name would be longer than 63 bytes");
        }
      }
      return new PostgresDestination(
          new TableTarget(
              target,
              theSchema,
              theTable,
              sequenceColumn,
              tombstones,
              keepTombstones == null ? Duration.ofDays(7) : keepTombstones,
              columnTypes,
              clearColumns,
              exactlyOnce),
          identity == null ? identityOf(target, theSchema, theTable) : identity,
          capabilities.build());
    }

    private static String identityOf(Source target, String schema, String table) {
      return "postgresql:%s:%s/%s/%s.%s"
          .formatted(
              target.host(),
              target.port(),
              plainOrQuoted(target.database()),
              plainOrQuoted(schema),
              plainOrQuoted(table));
    }

    private static String plainOrQuoted(String name) {
      return name.matches("[a-z_][a-z0-9_]*") ? name : Identifier.of(name).sql();
    }

    private static String name(String what, String value) {
      Objects.requireNonNull(value, what);
      Identifier.check(what, value);
      return value;
    }
  }
}
