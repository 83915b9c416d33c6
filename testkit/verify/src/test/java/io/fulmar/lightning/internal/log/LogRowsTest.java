package io.fulmar.lightning.internal.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.ConfigurationException;
import io.fulmar.RunStatus;
import io.fulmar.internal.source.ModelShape.Column;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.internal.fold.FoldKind;
import io.fulmar.lightning.internal.plan.PlanHead;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What the logs say of a plan that the test has made by hand: a table as planning makes it, and
 * outcomes of every kind.
 */
class LogRowsTest extends LogFixture {
  private static final String CHANGES =
      """
      select concat_ws(' | ', row_id, op_type, status, failure_reason, fields)
      from fulmar_audit.%s
      where sync_id = 'crm' and sync_run_id = 1700000000000
      order by row_id::int8
      """;

  @Test
  void eachOutcomeHasItsStatusAndReason() throws SQLException {
    folded(all, plannedOfEachKind(), FoldKind.DELIVERED, RunStatus.WARNING);
    List<String> expected =
        List.of(
            "1 | added | succeeded | {\"id\": 1, \"mail\": \"m1\"}",
            "2 | added | succeeded | {\"id\": 2, \"mail\": \"m2\"}",
            "3 | added | failed | BAD: no mail | {\"id\": 3, \"mail\": \"m3\"}",
            "4 | added | failed | FULMAR_ROW_TOO_LARGE: too large | {\"id\": 4}",
            "5 | changed | failed | FULMAR_UNKNOWN_OUTCOME: the call ended without an answer | {\"id\": 5, \"mail\": \"m5\"}",
            "6 | changed | failed | TIMEOUT: no answer | {\"id\": 6, \"mail\": \"m6\"}",
            "7 | changed | failed | FULMAR_UNKNOWN_OUTCOME: the call ended without an answer | {\"id\": 7, \"mail\": \"m7\"}",
            "8 | removed | aborted | {\"id\": 8}",
            "9 | removed | succeeded | {\"id\": 9, \"mail\": \"old9\"}",
            "10 | removed | aborted | {\"id\": 10, \"mail\": \"old10\"}");
    assertThat(rows(CHANGES.formatted("sync_changelog"))).isEqualTo(expected);
    assertThat(rows(CHANGES.formatted("sync_snapshot"))).isEqualTo(expected);
    assertThat(
            rows(
                """
                select concat_ws(' ', sync_id, sync_run_id, primary_key, destination, model_name,
                    error, status, started_at at time zone 'UTC', finished_at - started_at,
                    num_planned_add, num_planned_change, num_planned_remove,
                    num_attempted_add, num_attempted_change, num_attempted_remove,
                    num_succeeded_add, num_succeeded_change, num_succeeded_remove,
                    num_failed_add, num_failed_change, num_failed_remove)
                from fulmar_audit.sync_runs
                """))
        .containsExactly(
            "crm 1700000000000 id recording customers succeeded 2023-11-14 22:13:20 00:00:07"
                + " 4 3 2 4 3 1 2 0 1 2 3 0");
  }

  @Test
  void anInterruptedRunLogsNoIgnoredRemovalsAndFails() throws SQLException {
    folded(all, plannedOfEachKind(), FoldKind.INTERRUPTED, RunStatus.INTERRUPTED);
    assertThat(rows("select row_id from fulmar_audit.sync_changelog where row_id = '10'"))
        .isEmpty();
    assertThat(rows("select status || ': ' || error from fulmar_audit.sync_runs"))
        .containsExactly(
            "failed: The run ended as INTERRUPTED: its process died, or was cut off from the database. The next run has settled what was noted of it.");
  }

  @Test
  void whatIsTakenAsDeliveredIsNotLogged() throws SQLException {
    folded(all, plannedOfEachKind(), FoldKind.TAKEN, RunStatus.SUCCEEDED);
    assertThat(rows("select row_id from fulmar_audit.sync_changelog")).isEmpty();
    assertThat(rows("select error from fulmar_audit.sync_runs")).isEmpty();
  }

  @Test
  @DisplayName("P11: without fields, no value of a row but its key is in the logs")
  void withoutFieldsNoValueIsLogged() throws SQLException {
    folded(SyncLogs.builder().build(), plannedOfEachKind(), FoldKind.DELIVERED, RunStatus.WARNING);
    assertThat(rows("select fields::text from fulmar_audit.sync_changelog")).containsOnlyNulls();
    assertThat(rows("select fields::text from fulmar_audit.sync_snapshot")).containsOnlyNulls();
    assertThat(
            rows(
                """
                select c::text from fulmar_audit.sync_changelog c
                where c::text like '%m1%' or c::text like '%old%'
                """))
        .isEmpty();
  }

  @Test
  void onlyTheNamedFieldsAreLogged() throws SQLException {
    PlanHead head = plannedOfEachKind();
    SyncLogs logs = SyncLogs.builder().fields("mail").build();
    folded(logs, head, FoldKind.DELIVERED, RunStatus.WARNING);
    assertThat(rows(CHANGES.formatted("sync_changelog")))
        .contains(
            "1 | added | succeeded | {\"mail\": \"m1\"}",
            "4 | added | failed | FULMAR_ROW_TOO_LARGE: too large | {}",
            "9 | removed | succeeded | {\"mail\": \"old9\"}");
    SyncLog log = new SyncLog(schemas, sync(), SyncLogs.builder().fields("mail", "phone").build());
    assertThatThrownBy(() -> log.check(head))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot log the column phone of crm: the sync reads no such column, only id, mail. Mend SyncLogs.fields, or let the mapping use the column. [sync=crm]");
    new SyncLog(schemas, sync(), logs).check(head);
  }

  @Test
  @DisplayName("P9: fields are the texts of PostgreSQL whatever the settings of the server")
  void fieldsAreTheTextsOfPostgres() throws SQLException {
    // In the order of their names, which is the order in which they are read.
    List<Column> columns =
        List.of(
            column("a_bool", "boolean", ColumnKind.BOOL),
            column("b_int2", "smallint", ColumnKind.INT2),
            column("c_int8", "bigint", ColumnKind.INT8),
            column("d_float4", "real", ColumnKind.FLOAT4),
            column("e_float8", "double precision", ColumnKind.FLOAT8),
            column("f_numeric", "numeric", ColumnKind.NUMERIC),
            column("g_nan", "numeric", ColumnKind.NUMERIC),
            column("h_inf", "double precision", ColumnKind.FLOAT8),
            column("i_text", "text", ColumnKind.TEXT),
            column("j_json", "json", ColumnKind.JSON),
            column("k_char", "character(4)", ColumnKind.BPCHAR),
            column("l_bytea", "bytea", ColumnKind.BYTEA),
            column("m_date", "date", ColumnKind.DATE),
            column("n_time", "time without time zone", ColumnKind.TIME),
            column("o_timetz", "time with time zone", ColumnKind.TIMETZ),
            column("p_ts", "timestamp without time zone", ColumnKind.TIMESTAMP),
            column("q_tstz", "timestamp with time zone", ColumnKind.TIMESTAMPTZ),
            column("r_infinity", "timestamp with time zone", ColumnKind.TIMESTAMPTZ),
            column("s_uuid", "uuid", ColumnKind.UUID),
            column("t_inet", "inet", ColumnKind.INET),
            column("u_cidr", "cidr", ColumnKind.CIDR),
            column("v_mac", "macaddr", ColumnKind.MACADDR),
            column("w_enum", "mood", ColumnKind.ENUM),
            column("x_array", "integer[]", ColumnKind.OTHER),
            column("y_null", "text", ColumnKind.TEXT));
    test.execute(
        """
        create table fulmar_planner.s1_plan_0 as
        select 0::int8 as position, 'ADDED'::text as operation, 0::int4 as effects,
               9007199254740993::int8 as k0, false as oversize,
               true as f0, 2::int2 as f1, 9007199254740993::int8 as f2, 0.1::float4 as f3,
               0.1::float8 as f4, 1.00::numeric as f5, 'NaN'::numeric as f6,
               '-Infinity'::float8 as f7, E'a"b\\\\\\n\\u00e9'::text as f8,
               '{"a": 1e1000, "b": "\\u0000"}'::text as f9, 'ab  '::char(4)::bpchar as f10,
               '\\x00ff'::bytea as f11, '2024-02-29'::date as f12, '24:00'::time as f13,
               '01:02:03.5+05:45'::timetz as f14, '0044-03-15 00:00:00 BC'::timestamp as f15,
               '2024-01-01 00:00:00+05:45'::timestamptz as f16, 'infinity'::timestamptz as f17,
               'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as f18, '10.0.0.1/32'::inet as f19,
               '10.0.0.0/8'::cidr as f20, '08:00:2B:01:02:03'::macaddr as f21,
               'glad'::text as f22, '{1,NULL}'::text as f23, null::text as f24
        """,
        "insert into accepted values (0)");
    PlanHead head = HandMadePlan.head(columns, List.of(2), List.of(), List.of(1L, 0L, 0L));
    folded(all, head, FoldKind.DELIVERED, RunStatus.SUCCEEDED);
    assertThat(
            rows(
                """
                select key || '=' || value
                from fulmar_audit.sync_changelog, jsonb_each(fields)
                order by key collate "C"
                """))
        .containsExactly(
            "a_bool=true",
            "b_int2=2",
            "c_int8=9007199254740993",
            "d_float4=0.1",
            "e_float8=0.1",
            "f_numeric=1.00",
            "g_nan=\"NaN\"",
            "h_inf=\"-Infinity\"",
            "i_text=\"a\\\"b\\\\\\n\u00e9\"",
            "j_json=\"{\\\"a\\\": 1e1000, \\\"b\\\": \\\"\\\\u0000\\\"}\"",
            "k_char=\"ab  \"",
            "l_bytea=\"\\\\x00ff\"",
            "m_date=\"2024-02-29\"",
            "n_time=\"24:00:00\"",
            "o_timetz=\"01:02:03.5+05:45\"",
            "p_ts=\"0044-03-15 00:00:00 BC\"",
            "q_tstz=\"2023-12-31 18:15:00+00\"",
            "r_infinity=\"infinity\"",
            "s_uuid=\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"",
            "t_inet=\"10.0.0.1\"",
            "u_cidr=\"10.0.0.0/8\"",
            "v_mac=\"08:00:2b:01:02:03\"",
            "w_enum=\"glad\"",
            "x_array=\"{1,NULL}\"",
            "y_null=null");
    assertThat(rows("select row_id from fulmar_audit.sync_changelog"))
        .containsExactly("9007199254740993");
  }

  /** The texts of {@code KeyImage.text}, which the rest of the API gives. */
  @Test
  void aKeyWithSeveralColumnsIsAnArrayOfTheTextsThatTheApiGives() throws SQLException {
    List<Column> key =
        List.of(
            column("a", "smallint", ColumnKind.INT2),
            column("b", "numeric", ColumnKind.NUMERIC),
            column("c", "character(4)", ColumnKind.BPCHAR),
            column("d", "boolean", ColumnKind.BOOL),
            column("e", "bytea", ColumnKind.BYTEA),
            column("f", "date", ColumnKind.DATE),
            column("g", "timestamp with time zone", ColumnKind.TIMESTAMPTZ),
            column("h", "inet", ColumnKind.INET),
            column("i", "inet", ColumnKind.INET),
            column("j", "inet", ColumnKind.INET),
            column("k", "cidr", ColumnKind.CIDR));
    test.execute(
        """
        create table fulmar_planner.s1_plan_0 as
        select 0::int8 as position, 'REMOVED'::text as operation, 0::int4 as effects,
               false as oversize, 1::int8 as k0, trim_scale(1.50) as k1, 'a"b'::text as k2,
               true as k3, '\\x0a'::bytea as k4, '2024-02-29'::date as k5,
               '2024-01-01 00:00:00+05:45'::timestamptz as k6, '10.0.0.1'::inet as k7,
               '10.0.0.1/8'::inet as k8, '::1'::inet as k9, '10.0.0.1/32'::cidr as k10,
               null as f0, null as f1, null as f2, null as f3, null as f4, null as f5,
               null as f6, null as f7, null as f8, null as f9, null as f10
        """,
        "insert into accepted values (0)");
    PlanHead head =
        HandMadePlan.head(
            key, IntStream.range(0, key.size()).boxed().toList(), List.of(), List.of(0L, 0L, 1L));
    folded(SyncLogs.builder().build(), head, FoldKind.DELIVERED, RunStatus.SUCCEEDED);
    assertThat(rows("select row_id from fulmar_audit.sync_changelog"))
        .containsExactly(
            "[\"1\", \"1.5\", \"a\\\"b\", \"true\", \"\\\\x0a\", \"2024-02-29\", \"2023-12-31 18:15:00+00\", \"10.0.0.1\", \"10.0.0.1/8\", \"::1\", \"10.0.0.1/32\"]");
    assertThat(rows("select primary_key from fulmar_audit.sync_runs"))
        .containsExactly("a, b, c, d, e, f, g, h, i, j, k");
  }

  @Test
  void aWideModelAndALongKeyAreLogged() throws SQLException {
    List<Column> columns = new ArrayList<>();
    StringBuilder fields = new StringBuilder();
    for (int i = 0; i < 260; i++) {
      columns.add(column("c%03d".formatted(i), "integer", ColumnKind.INT4));
      fields.append(", %s as f%s".formatted(i, i));
    }
    columns.add(column("key", "bytea", ColumnKind.BYTEA));
    test.execute(
        """
        create table fulmar_planner.s1_plan_0 as
        select p::int8 as position, 'ADDED'::text as operation, 0::int4 as effects,
               false as oversize,
               (select decode(string_agg(md5(g::text), '' order by g), 'hex')
                from generate_series(1, 124) g) || int4send(p) as k0 %s, null::bytea as f260
        from generate_series(0, 1) p
        """
            .formatted(fields),
        "insert into accepted values (0), (1)");
    PlanHead head = HandMadePlan.head(columns, List.of(260), List.of(), List.of(2L, 0L, 0L));
    folded(all, head, FoldKind.DELIVERED, RunStatus.SUCCEEDED);
    assertThat(
            rows(
                """
                select count(distinct row_id) || ' ' || max(length(row_id)) || ' '
                  || min((select count(*) from jsonb_object_keys(fields))) || ' '
                  || min(fields ->> 'c259')
                from fulmar_audit.sync_changelog
                """))
        .containsExactly("2 440 261 259");
    assertThat(rows("select count(*) from fulmar_audit.sync_snapshot")).containsExactly("2");
  }
}
