package io.fulmar.lightning.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Sync;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Which values of a column are one version of a row: pairs that PostgreSQL's own equality or its
 * own hashes take for one and that are not, and pairs with different bits that are one. On every
 * major version, and the hashes are the same on all of them.
 */
class RowHashTest extends OnEveryMajor {
  /** Pairs that differ. */
  private static final List<String> DIFFERENT =
      List.of(
          "1.0::numeric, 1.00::numeric",
          "'NaN'::numeric, null::numeric",
          "0::float8, '-0'::float8",
          "0::float4, '-0'::float4",
          "'NaN'::float8, 'Infinity'::float8",
          "'{\"a\":1}'::json, '{\"a\": 1}'::json",
          "'{\"a\":1}'::jsonb, '{\"a\":1.0}'::jsonb",
          "'1 month'::interval, '30 days'::interval",
          "'a'::bpchar, 'a '::bpchar",
          "''::text, null::text",
          "'ä'::text, 'ä'::text || ''::text || chr(776)",
          // The hash of an int8 is that of its halves joined by XOR.
          "4294967296::int8, 1::int8",
          "-1::int8, 0::int8",
          "-4294967297::int8, 4294967296::int8",
          "'2000-01-01 00:00:00.000001'::timestamp, '2000-01-01 01:11:34.967296'::timestamp",
          "'2000-01-01 00:00:00.000001+00'::timestamptz, '2000-01-01 01:11:34.967296+00'::timestamptz",
          "'00:00:00.000001'::time, '01:11:34.967296'::time",
          "'12:00+00'::timetz, '13:00+01'::timetz",
          "'24:00'::time, '00:00'::time",
          "'infinity'::date, '-infinity'::date",
          "'2000-01-01'::date, '2000-01-02'::date",
          "'infinity'::timestamp, '-infinity'::timestamp",
          "'10.0.0.1'::inet, '10.0.0.1/8'::inet",
          "'10.0.0.0/8'::cidr, '10.0.0.0/16'::cidr",
          "'08:00:2b:01:02:03'::macaddr, '08:00:2b:01:02:04'::macaddr",
          "'08:00:2b:01:02:03:04:05'::macaddr8, '08:00:2b:01:02:03:04:06'::macaddr8",
          "'\\x00'::bytea, '\\x'::bytea",
          "'\\x00'::bytea, '\\x0000'::bytea",
          "true, false",
          "false, null::boolean",
          "1::int2, 2::int2",
          "0::int4, null::int4",
          "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid",
          "array[1, null], array[null, 1]",
          "'[1,2)'::int4range, '[1,2]'::int4range",
          "row(1, 'a'), row(1, 'a ')",
          "'x'::\"char\", 'y'::\"char\"",
          "'abc'::name, 'abd'::name",
          "'<a/>'::xml, '<a></a>'::xml",
          "1::money, 2::money",
          "b'1'::bit varying, b'01'::bit varying",
          "'(1,2)'::point, '(1,3)'::point",
          "'a b'::tsvector, 'a c'::tsvector");

  /** Pairs that are one value. */
  private static final List<String> SAME =
      List.of(
          "'NaN'::float8, 'inf'::float8 - 'inf'::float8",
          "'NaN'::float4, 'inf'::float4 - 'inf'::float4",
          "null::text, null::text",
          "'1.50'::numeric, 1.50::numeric(10, 2)",
          "'x'::varchar(5), 'x'::varchar(9)",
          "'2020-01-01 12:00+02'::timestamptz, '2020-01-01 10:00+00'::timestamptz");

  @Test
  @DisplayName("P9: nearly equal values are different versions")
  void nearlyEqualValuesDiffer() throws SQLException {
    List<String> hashes = hashes(DIFFERENT);
    for (int i = 0; i < DIFFERENT.size(); i++) {
      assertThat(hashes.subList(2 * i, 2 * i + 2)).as(DIFFERENT.get(i)).doesNotHaveDuplicates();
    }
  }

  @Test
  void valuesThatAreOneAreOneVersion() throws SQLException {
    List<String> hashes = hashes(SAME);
    for (int i = 0; i < SAME.size(); i++) {
      assertThat(hashes.get(2 * i)).as(SAME.get(i)).isEqualTo(hashes.get(2 * i + 1));
    }
  }

  /** Each pair in a column and in two rows of its own, so that both are hashed under one seed. */
  private List<String> hashes(List<String> pairs) throws SQLException {
    List<String> columns = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      String[] values = split(pairs.get(i));
      columns.add(
          "case id when %s then %s when %s then %s end as v%s"
              .formatted(2 * i, values[0], 2 * i + 1, values[1], i));
    }
    Sync sync =
        PlanFixture.sync(
            "select id, %s from generate_series(0, %s) as id"
                .formatted(String.join(", ", columns), 2 * pairs.size() - 1),
            "id");
    List<String> hashes =
        fixture.all(
            "select hash from %s order by k0".formatted(PlanFixture.table(fixture.plan(sync))));
    assertThat(hashes).hasSize(2 * pairs.size());
    return hashes;
  }

  private static String[] split(String pair) {
    int depth = 0;
    boolean quoted = false;
    for (int i = 0; i < pair.length(); i++) {
      char c = pair.charAt(i);
      quoted ^= c == '\'';
      depth += !quoted && (c == '(' || c == '[') ? 1 : !quoted && (c == ')' || c == ']') ? -1 : 0;
      if (c == ',' && depth == 0 && !quoted) {
        return new String[] {pair.substring(0, i), pair.substring(i + 1)};
      }
    }
    throw new IllegalArgumentException(pair);
  }

  @Test
  void swappedColumnsAreAnotherRow() throws SQLException {
    Sync sync =
        PlanFixture.sync(
            "select 1 as id, 'a' as x, 'b' as y union all select 2, 'b', 'a' union all select 3, 'a', 'a' union all select 4, 'b', 'b'",
            "id");
    assertThat(fixture.all("select hash from %s".formatted(PlanFixture.table(fixture.plan(sync)))))
        .hasSize(4)
        .doesNotHaveDuplicates();
  }

  @Test
  @DisplayName("an upgrade of the server makes no row due")
  void hashesAreThoseOfEveryVersion() throws SQLException {
    Sync sync =
        PlanFixture.sync(
            "select 1 as id, 7::int2 as a, 8 as b, 9::int8 as c, 1.5::float4 as d, 2.5 as e, 'text' as f, '{}'::json as g,"
                + " 'c'::char(3) as h, '\\x01'::bytea as i, '2020-02-03'::date as j, '12:34:56.789'::time as k,"
                + " '2020-02-03 12:34:56'::timestamptz as l, '10.0.0.1'::inet as m, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as n, true as o,"
                + " '08:00:2b:01:02:03'::macaddr as p, array[1, 2] as q, 3.25::float8 as r",
            "id");
    assertThat(fixture.one("select hash from " + PlanFixture.table(fixture.plan(sync))))
        .isEqualTo("-1685899609159579117");
  }
}
