package io.fulmar.verify.bench.compare;

import io.fulmar.Operation;
import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * What one writes by hand inside the database: statements that put the difference to what was
 * delivered before into a temporary table, a reader that hands it to the consumer, and statements
 * that bring the memory up to date, in one transaction. Orders with a key of one column only.
 */
final class SqlPeer implements Contender {
  private static final int FETCH = 10_000;

  private final TestDatabase database;
  private final Way way;

  /**
   * How it is done.
   *
   * @param table what is kept
   * @param first makes that table
   * @param find makes the table {@code difference}: operation, changed_key and the columns
   * @param remember brings the table up to date
   */
  record Way(String table, List<String> first, List<String> find, List<String> remember) {}

  /** EXCEPT both ways between the model and a full copy. */
  static final Way EXCEPT =
      new Way(
          "copied",
          Sql.MAKE_COPY,
          List.of(Sql.EXCEPT),
          List.of(Sql.FORGET_IN_COPY, Sql.REMEMBER_IN_COPY));

  /** A full join of the model with a full copy, both hashed on the way. */
  static final Way MD5_OF_COPY =
      new Way(
          "copied",
          Sql.MAKE_COPY,
          List.of(Sql.MD5_OF_COPY, Sql.ANALYZE, Sql.OF_KEYS),
          List.of(Sql.FORGET_IN_COPY, Sql.REMEMBER_IN_COPY));

  /** A full join of the model, hashed on the way, with hashes that were stored. */
  static final Way MD5_STORED =
      new Way(
          "hashed",
          Sql.MAKE_HASHES,
          List.of(Sql.MD5_STORED, Sql.ANALYZE, Sql.OF_KEYS),
          List.of(Sql.FORGET_HASHES, Sql.REMEMBER_HASHES));

  SqlPeer(TestDatabase database, Way way) {
    this.database = database;
    this.way = way;
  }

  @Override
  public void first(TestDatabase at, Tally tally, long expected) throws SQLException {
    try (Connection connection = Connections.open(at)) {
      connection.setAutoCommit(false);
      execute(connection, way.first);
      deliver(connection, Sql.ALL, tally);
      connection.commit();
    }
  }

  @Override
  public void sync(TestDatabase at, Tally tally) throws SQLException {
    try (Connection connection = Connections.open(at)) {
      connection.setAutoCommit(false);
      execute(connection, way.find);
      deliver(connection, Sql.DIFFERENCE, tally);
      execute(connection, way.remember);
      connection.commit();
    }
  }

  private static void deliver(Connection connection, String sql, Tally tally) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(FETCH);
      try (ResultSet row = statement.executeQuery(sql)) {
        while (row.next()) {
          tally.add(
              Operation.valueOf(row.getString("operation")),
              row.getLong("changed_key"),
              tally.complete() ? row.getBigDecimal("o_totalprice") : null);
        }
      }
    }
  }

  private static void execute(Connection connection, List<String> statements) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String each : statements) {
        statement.execute(each);
      }
    }
  }

  @Override
  public StateSize state() throws SQLException {
    return new StateSize(
        Connections.number(database, "select pg_total_relation_size('%s')".formatted(way.table)),
        Connections.number(database, "select pg_relation_size('%s')".formatted(way.table)));
  }

  @Override
  public void forget() throws SQLException {
    database.execute("drop table if exists %s".formatted(way.table));
  }

  private static final class Sql {
    static final List<String> MAKE_COPY =
        List.of(
            "create table copied as select %s from orders".formatted(Shape.columns()),
            "alter table copied add primary key (o_orderkey)",
            "analyze copied");

    static final List<String> MAKE_HASHES =
        List.of(
            """
            create table hashed as
            select m.o_orderkey, md5(m::text) as hash
            from (select %s from orders) as m
            """
                .formatted(Shape.columns()),
            "alter table hashed add primary key (o_orderkey)",
            "analyze hashed");

    static final String ALL =
        """
        select 'ADDED' as operation, o_orderkey as changed_key, %s from orders
        """
            .formatted(Shape.columns());

    static final String EXCEPT =
        """
        create temporary table difference on commit drop as
        with newer as (
          select %1$s from orders except select %1$s from copied
        ), older as (
          select %1$s from copied except select %1$s from orders
        )
        select case when o.o_orderkey is null then 'ADDED'
                    when n.o_orderkey is null then 'REMOVED'
                    else 'CHANGED' end as operation,
               coalesce(n.o_orderkey, o.o_orderkey) as changed_key, n.*
        from newer as n full join older as o on o.o_orderkey = n.o_orderkey
        """
            .formatted(Shape.columns());

    static final String MD5_OF_COPY =
        """
        create temporary table changed_keys on commit drop as
        select n.o_orderkey as new_key, o.o_orderkey as old_key, n.hash
        from (
          select m.o_orderkey, md5(m::text) as hash from (select %1$s from orders) as m
        ) as n
        full join (
          select c.o_orderkey, md5(c::text) as hash from copied as c
        ) as o on o.o_orderkey = n.o_orderkey
        where n.hash is distinct from o.hash
        """
            .formatted(Shape.columns());

    static final String MD5_STORED =
        """
        create temporary table changed_keys on commit drop as
        select n.o_orderkey as new_key, o.o_orderkey as old_key, n.hash
        from (
          select m.o_orderkey, md5(m::text) as hash from (select %1$s from orders) as m
        ) as n
        full join hashed as o on o.o_orderkey = n.o_orderkey
        where n.hash is distinct from o.hash
        """
            .formatted(Shape.columns());

    static final String ANALYZE = "analyze changed_keys";

    static final String OF_KEYS =
        """
        create temporary table difference on commit drop as
        select case when old_key is null then 'ADDED'
                    when new_key is null then 'REMOVED'
                    else 'CHANGED' end as operation,
               coalesce(new_key, old_key) as changed_key, hash, %s
        from changed_keys left join orders on o_orderkey = new_key
        """
            .formatted(Shape.columns());

    static final String DIFFERENCE = "select * from difference";

    static final String FORGET_IN_COPY =
        "delete from copied using difference where copied.o_orderkey = changed_key";

    static final String REMEMBER_IN_COPY =
        "insert into copied select %s from difference where operation <> 'REMOVED'"
            .formatted(Shape.columns());

    static final String FORGET_HASHES =
        "delete from hashed using difference where hashed.o_orderkey = changed_key";

    static final String REMEMBER_HASHES =
        "insert into hashed select changed_key, hash from difference where operation <> 'REMOVED'";

    private Sql() {}
  }
}
