package io.fulmar.internal.destination;

import io.fulmar.Action;
import io.fulmar.internal.postgres.ConnectFailure;
import io.fulmar.internal.postgres.Connector;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.sql.ColumnDefinition;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.TableCheckSql;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks whether the changes of a sync could be written to a table: the way to it, its columns,
 * types and constraints, and what the role may do. Writes nothing. Used by one thread.
 */
public final class TargetCheck implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");
  private static final int OLDEST = 140_000;

  private static final Set<String> TEXTS =
      Set.of("text", "character varying", "character", "citext", "name");

  /** Types that take every value of some others, by their text. */
  private static final Map<String, Set<String>> WIDER =
      Map.of(
          "integer", Set.of("smallint"),
          "bigint", Set.of("smallint", "integer"),
          "numeric", Set.of("smallint", "integer", "bigint"),
          "double precision", Set.of("real", "smallint", "integer"),
          "real", Set.of("smallint"),
          "json", Set.of("jsonb"),
          "jsonb", Set.of("json"),
          "inet", Set.of("cidr"),
          "timestamp without time zone", Set.of("date"));

  private final TableTarget target;
  private final CheckContext sync;
  private final TableRules rules;
  private final Connector connector;
  private @Nullable Connection connection;
  private @Nullable ConnectFailure refused;

  /** A check of a table for a sync. */
  public TargetCheck(TableTarget target, CheckContext sync) {
    this.target = target;
    this.sync = sync;
    this.rules = new TableRules(target);
    this.connector = new Connector(target.source(), "fulmar check");
  }

  /** Takes all steps. */
  public void look(CheckSteps steps) {
    steps.step("network", findings -> network(findings, steps.remaining()));
    steps.stepAfter("network", "credentials", this::credentials);
    steps.stepAfter("credentials", "table", this::table);
    steps.stepAfter("credentials", "privileges", this::privileges);
  }

  private void network(CheckSteps.Findings findings, Duration remaining) {
    ConnectFailure failure = attempt();
    boolean isTime = remaining.compareTo(target.source().connectTimeout().multipliedBy(2)) > 0;
    if (failure != null && failure.kind().mayPassAtOnce() && isTime) {
      findings.found("the first attempt to connect failed: " + failure.fact());
      failure = attempt();
    }
    if (failure == null || failure.kind().isOfServer()) {
      refused = failure;
      findings.found("a server answers");
    } else {
      findings.failure(failure.fact(), failure.remedy());
    }
  }

  private @Nullable ConnectFailure attempt() {
    try {
      connection = connector.connect();
      return null;
    } catch (SQLException e) {
      return ConnectFailure.of(e);
    }
  }

  private void credentials(CheckSteps.Findings findings) throws SQLException {
    ConnectFailure failure = refused;
    if (failure != null) {
      findings.failure(failure.fact(), failure.remedy());
      return;
    }
    Facts facts = inTransaction(this::facts);
    findings.found(
        "PostgreSQL %s, the role %s in the database %s"
            .formatted(facts.version(), facts.role(), facts.database()));
    if (facts.versionNumber() < OLDEST) {
      findings.failure("the server is too old", "Use PostgreSQL 14 or later");
    }
    if (facts.standby()) {
      findings.failure(
          "the server is a hot standby and takes no writes", "Give the address of the primary");
    }
  }

  private void table(CheckSteps.Findings findings) throws SQLException {
    inTransaction(
        open -> {
          TableShape shape = TableShape.read(open, target.schema(), target.table());
          TableShape tombstones = TableShape.read(open, target.schema(), target.tombstoneTable());
          Set<TableRules.Breach> breaches = new LinkedHashSet<>();
          if (shape.exists()) {
            for (Action action : new TreeSet<>(sync.actions())) {
              breaches.addAll(breaches(action, shape, tombstones));
            }
          } else {
            breaches.addAll(missing());
          }
          breaches.forEach(breach -> findings.failure(breach.fact(), breach.remedy()));
          if (shape.exists()) {
            findings.found("%s, %s columns".formatted(target.identifier(), shape.columns().size()));
            types(shape, findings);
          } else if (target.columnTypes() != null) {
            findings.found(target.identifier() + " is not there yet: the first batch makes it");
          }
          return shape;
        });
  }

  private List<TableRules.Breach> missing() {
    Layout layout = layout(Action.UPSERT, List.of());
    return target.columnTypes() == null
        ? List.of(rules.missing(TableCheck.createTable(target, layout, definitions(layout))))
        : rules.untyped(layout.columns());
  }

  private List<TableRules.Breach> breaches(Action action, TableShape shape, TableShape tombstones) {
    List<TableRules.Breach> breaches = new ArrayList<>();
    boolean clears = action == Action.CLEAR;
    List<String> cleared = clears ? rules.cleared(shape, sync.key()) : List.of();
    Layout layout = layout(action, cleared);
    if (clears) {
      breaches.addAll(rules.uncleared(shape, sync.key()));
    }
    if (!sync.columns().isEmpty() || action == Action.DELETE || clears) {
      breaches.addAll(rules.breaches(shape, layout));
    }
    if (target.sequenceColumn() != null) {
      if (tombstones.exists()) {
        breaches.addAll(rules.tombstones(tombstones, layout));
      } else if (target.columnTypes() == null) {
        breaches.add(rules.missingTombstones(layout));
      }
    }
    return breaches;
  }

  private Layout layout(Action action, List<String> cleared) {
    List<String> columns = sync.columns().stream().map(CheckContext.Column::name).toList();
    return new Layout(target, action, sync.key(), columns, cleared);
  }

  /** A proposal, with the types that the model has. */
  private List<ColumnDefinition> definitions(Layout layout) {
    List<ColumnDefinition> definitions = new ArrayList<>();
    for (String name : layout.columns()) {
      definitions.add(new ColumnDefinition(Identifier.of(name), type(name)));
    }
    if (target.sequenceColumn() != null) {
      definitions.add(new ColumnDefinition(Identifier.of(target.sequenceColumn()), "bigint"));
    }
    return definitions;
  }

  private String type(String name) {
    for (CheckContext.Column column : sync.columns()) {
      String type = column.type();
      if (column.name().equals(name) && type != null) {
        return type;
      }
    }
    return "text";
  }

  private void types(TableShape shape, CheckSteps.Findings findings) {
    for (CheckContext.Column column : sync.columns()) {
      TableShape.Column there = shape.columns().get(column.name());
      if (there != null && column.type() != null && !takes(there.type(), column.type())) {
        findings.warning(
            "the column %s is %s, and the model gives %s: what does not fit is rejected"
                .formatted(Identifier.of(column.name()), there.type(), column.type()),
            "Give both the same type");
      }
    }
  }

  private static boolean takes(String there, String given) {
    return there.equals(given)
        || TEXTS.contains(there)
        || WIDER.getOrDefault(there, Set.of()).contains(given);
  }

  private void privileges(CheckSteps.Findings findings) throws SQLException {
    inTransaction(
        open -> {
          Facts facts = facts(open);
          Identifier role = Identifier.of(facts.role());
          Identifier schema = Identifier.of(target.schema());
          List<String> grants = new ArrayList<>();
          if (!facts.mayMakeTemporary()) {
            grants.add("temporary on database " + Identifier.of(facts.database()));
          }
          TableShape shape = TableShape.read(open, target.schema(), target.table());
          boolean makes = target.columnTypes() != null && !shape.exists();
          if (facts.schemaExists() && !facts.mayUseSchema()) {
            grants.add("usage on schema " + schema);
          }
          if (facts.schemaExists() && makes && !facts.mayCreate()) {
            grants.add("create on schema " + schema);
          }
          String lacking = lacking(open, target.table(), needed(), columns());
          if (!lacking.isEmpty()) {
            grants.add(lacking + " on " + target.identifier());
          }
          if (target.sequenceColumn() != null) {
            List<String> all = List.of("select", "insert", "update", "delete");
            lacking = lacking(open, target.tombstoneTable(), all, sync.key());
            if (!lacking.isEmpty()) {
              grants.add(lacking + " on " + target.tombstones());
            }
          }
          for (String grant : grants) {
            findings.failure(role + " lacks " + grant, "grant " + grant + " to " + role);
          }
          return facts;
        });
  }

  /** What the actions need: all of them read the table, to say what became of each row. */
  private List<String> needed() {
    Set<String> needed = new LinkedHashSet<>(Set.of("select"));
    for (Action action : new TreeSet<>(sync.actions())) {
      switch (action) {
        case INSERT -> needed.add("insert");
        case UPSERT -> needed.addAll(List.of("insert", "update"));
        case UPDATE, CLEAR -> needed.add("update");
        case DELETE -> needed.add("delete");
      }
    }
    return List.copyOf(needed);
  }

  private List<String> columns() {
    List<String> columns = new ArrayList<>(sync.key());
    sync.columns().forEach(column -> columns.add(column.name()));
    if (target.sequenceColumn() != null) {
      columns.add(target.sequenceColumn());
    }
    return columns;
  }

  private String lacking(
      Connection open, String table, List<String> privileges, List<String> columns)
      throws SQLException {
    List<String> lacking = new ArrayList<>();
    try (PreparedStatement statement = OneShot.prepare(open, TableCheckSql.LACKING.sql())) {
      statement.setArray(1, open.createArrayOf("text", privileges.toArray()));
      statement.setArray(2, open.createArrayOf("text", columns.toArray()));
      statement.setString(3, target.schema());
      statement.setString(4, table);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          lacking.add(rows.getString(1));
        }
      }
    }
    return String.join(", ", lacking);
  }

  /** What the server says of itself, the role, and the schema. */
  private record Facts(
      String version,
      int versionNumber,
      boolean standby,
      String role,
      String database,
      boolean mayMakeTemporary,
      boolean schemaExists,
      boolean mayUseSchema,
      boolean mayCreate) {}

  private Facts facts(Connection open) throws SQLException {
    try (PreparedStatement statement = OneShot.prepare(open, TableCheckSql.TARGET.sql())) {
      statement.setString(1, target.schema());
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return new Facts(
            row.getString(1),
            row.getInt(2),
            row.getBoolean(3),
            row.getString(4),
            row.getString(5),
            row.getBoolean(6),
            row.getBoolean(7),
            row.getBoolean(8),
            row.getBoolean(9));
      }
    }
  }

  private interface Work<T> {
    T with(Connection open) throws SQLException;
  }

  /** Does something in a transaction of its own, in which nothing can be written. */
  private <T> T inTransaction(Work<T> work) throws SQLException {
    Connection open = connection;
    if (open == null) {
      throw new SQLException("there is no connection", "08003");
    }
    boolean autoCommit = open.getAutoCommit();
    open.setAutoCommit(false);
    try {
      try (PreparedStatement begin = OneShot.prepare(open, TableCheckSql.BEGIN.sql())) {
        begin.setString(1, millis(Duration.ofSeconds(10)));
        begin.setString(2, millis(Duration.ofSeconds(5)));
        begin.execute();
      }
      return work.with(open);
    } finally {
      open.rollback();
      open.setAutoCommit(autoCommit);
    }
  }

  private static String millis(Duration duration) {
    return Long.toString(duration.toMillis());
  }

  @Override
  public void close() {
    try {
      if (connection != null) {
        connection.close();
      }
    } catch (SQLException e) {
      LOG.debug("a connection of a check could not be closed: {}", SqlStates.code(e));
    } finally {
      connector.close();
    }
  }
}
