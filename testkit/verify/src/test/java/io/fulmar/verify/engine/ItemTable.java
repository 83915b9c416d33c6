package io.fulmar.verify.engine;

import io.fulmar.Source;
import io.fulmar.testkit.TestDatabase;
import java.sql.SQLException;

/** A database with the table of rows that {@link ItemSubject} has its histories in. */
record ItemTable(TestDatabase database) {
  /** Makes the table, empty: two columns that histories write, and more that follow from them. */
  static ItemTable in(TestDatabase database) {
    try {
      database.execute(
          """
          create table item (
            k text,
            v text,
            n int8 generated always as (length(v)) stored,
            amount numeric generated always as (length(v) / 3.0) stored,
            ratio float8 generated always as (length(v) / 7.0) stored,
            late boolean generated always as (v > 'b') stored,
            raw bytea generated always as (decode(md5(v), 'hex')) stored,
            uid uuid generated always as (md5(v)::uuid) stored,
            day date generated always as (date '2000-01-01' + length(v)) stored,
            at timestamp generated always as (timestamp '2000-01-01' + length(v) * interval '1 s') stored,
            doc jsonb generated always as (('{"of": ' || length(v) || '}')::jsonb) stored,
            tags text[] generated always as (array[left(v, 9), null]) stored)
          """);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
    return new ItemTable(database);
  }

  Source source() {
    return database.source().build();
  }
}
