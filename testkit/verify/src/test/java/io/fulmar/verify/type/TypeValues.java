package io.fulmar.verify.type;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Every type that a server has in {@code pg_type}, and values of it as SQL expressions. The values
 * of types without parts are written down here; those of arrays, ranges, composites and domains
 * follow from them. A type that nobody has written values for fails, so that one of a newer server
 * is noticed.
 */
final class TypeValues {
  /**
   * Name of a type, the version that the values are for if not for all, then values: literals, or
   * expressions after an equals sign.
   */
  private static final String WRITTEN =
      """
      boolean¦true¦false
      bytea¦\\x¦\\x00ff5c22¦\\x00
      "char"¦a¦¦"
      name¦alice¦we"ird, {x} \\ (y)
      bigint¦0¦42¦-9223372036854775808¦9223372036854775807
      smallint¦0¦42¦-32768¦32767
      int2vector¦1 2¦
      integer¦0¦42¦-2147483648¦2147483647
      regproc¦now¦pg_catalog.pi
      text¦a¦¦A¦NULL¦null¦{a,"b"}¦a\\b "c" (d) [e] <f>¦=E'tab\\tline\\nreturn\\rnext'¦ü😀e\u0301¦=repeat('x', 10000)
      oid¦0¦4294967295
      tid¦(0,1)¦(4294967295,65535)
      xid¦0¦4294967295
      cid¦0¦4294967295
      oidvector¦1 2¦
      json¦{"a":1}¦{"a": 1}¦null¦"\\u0000"
      jsonb¦{"a": 1.0}¦{"a": 1.00}¦null¦[]¦"x"
      xml¦<a/>¦<a></a>¦text
      pg_node_tree¦=(select adbin from pg_attrdef where adrelid = 'of_catalog'::regclass and adnum = 1)¦=(select adbin from pg_attrdef where adrelid = 'of_catalog'::regclass and adnum = 2)
      pg_ndistinct¦=(select stxdndistinct from pg_statistic_ext_data order by stxoid limit 1)¦=(select stxdndistinct from pg_statistic_ext_data order by stxoid desc limit 1)
      pg_dependencies¦=(select stxddependencies from pg_statistic_ext_data order by stxoid limit 1)¦=(select stxddependencies from pg_statistic_ext_data order by stxoid desc limit 1)
      pg_mcv_list¦=(select stxdmcv from pg_statistic_ext_data order by stxoid limit 1)¦=(select stxdmcv from pg_statistic_ext_data order by stxoid desc limit 1)
      xid8¦0¦18446744073709551615
      point¦(0,1)¦(-0,1)¦(1e-300,Infinity)¦(NaN,1.5)
      lseg¦[(0,1),(2,3)]¦[(2,3),(0,1)]
      path¦[(0,1),(2,3)]¦((0,1),(2,3))
      box¦(2,3),(0,1)¦(5,5),(4,4)
      polygon¦((0,1),(2,3))¦((0,1))
      line¦{1,2,3}¦{1,-2,3}
      real¦0¦1.5¦-0¦NaN¦Infinity¦-Infinity¦3.4028235e+38¦1e-45
      double precision¦0¦0.1¦-0¦NaN¦Infinity¦-Infinity¦1.7976931348623157e+308¦5e-324¦9.999999999999999e+22
      circle¦<(0,1),2>¦<(0,1),0>
      money¦0¦1234.56¦-92233720368547758.08¦92233720368547758.07
      macaddr¦08:00:2b:01:02:03¦ff:ff:ff:ff:ff:ff
      inet¦10.0.0.1¦10.0.0.1/8¦::1¦::ffff:1.2.3.4/96
      cidr¦10.0.0.0/8¦10.1.2.3/32¦2001:db8::/32
      macaddr8¦08:00:2b:01:02:03:04:05¦00:00:00:00:00:00:00:00
      aclitem¦postgres=r/postgres¦='=w/postgres'
      bpchar¦a¦a  ¦
      character varying¦a¦a ¦
      date¦2020-02-29¦infinity¦-infinity¦4714-11-24 BC¦5874897-12-31¦0001-12-31 BC
      time without time zone¦00:00¦23:59:59.999999¦24:00
      timestamp without time zone¦2020-02-29 12:34:56.7¦infinity¦-infinity¦4714-11-24 00:00:00 BC¦294276-12-31 23:59:59.999999
      timestamp with time zone¦2020-02-29 12:34:56.7+00¦infinity¦-infinity¦4714-11-24 00:00:00+00 BC¦294276-12-31 23:59:59.999999+00
      interval¦1 month¦30 days¦00:00¦-1 year 2 mons -3 days 4:05:06.7¦-178956970 years -8 mons¦2147483647 days 2147483647:59:59.999999¦-0.000001 s
      interval@15¦-2147483648 days -2562047787:59:59.999999
      interval@17¦infinity¦-infinity
      time with time zone¦12:00+00¦12:00-15:59:59¦24:00+02¦00:00:00.000001+05:45
      "bit"¦101¦0
      bit varying¦101¦¦1010
      numeric¦1.0¦1.00¦0¦-0.000¦NaN¦Infinity¦-Infinity¦1e131071¦1e-16383¦12345678901234567890.12345
      refcursor¦c¦we"ird
      regprocedure¦now()¦pg_catalog.pi()
      regoper¦pg_catalog.||/¦pg_catalog.|/
      regoperator¦+(integer,integer)¦-(NONE,bigint)
      regclass¦pg_class¦pg_catalog.pg_type
      regtype¦integer¦text[]
      uuid¦a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11¦00000000-0000-0000-0000-000000000000
      pg_lsn¦0/1¦FFFFFFFF/FFFFFFFF
      tsvector¦a:1 b¦a:1A 'x y':2¦¦
      tsquery¦a & b¦'x y' <-> !c:*A
      regconfig¦english¦simple
      regdictionary¦simple¦english_stem
      jsonpath¦$.a¦$."b"[*] ? (@ > 1)
      txid_snapshot¦1:1:¦1:5:2,3
      pg_snapshot¦1:1:¦1:5:2,3
      regnamespace¦pg_catalog¦public
      regrole¦postgres¦pg_monitor
      regcollation¦"C"¦"POSIX"
      information_schema.cardinal_number¦0¦42
      information_schema.yes_or_no¦YES¦NO
      information_schema.time_stamp¦2020-02-29 12:34:56.7+00¦infinity
      citext¦a¦A
      hstore¦=''¦"a"=>"1"¦"b"=>NULL, "we\\"ird \\\\"=>"x, y"
      ltree¦a.b¦a
      lquery¦a.*¦*
      ltxtquery¦a & b¦c
      """;

  /** What no SQL can make a value of: parts of indexes. */
  static final Set<String> WITHOUT_VALUES =
      Set.of(
          "gtsvector",
          "ltree_gist",
          "ghstore",
          "pg_brin_bloom_summary",
          "pg_brin_minmax_multi_summary");

  /** What prints its values and reads none. */
  static final Set<String> WITHOUT_INPUT =
      Set.of("pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list");

  /** Of the tests' own: types of each form, also inside of each other. */
  static final String[] OWN_TYPES = {
    "create extension citext",
    "create extension hstore",
    "create extension ltree",
    "create type mood as enum ('sad', 'Sad, \"{}')",
    "create type pair as (a numeric, \"B b\" text, tags text[])",
    "create type nested as (p pair, ps pair[], m mood, r daterange, h hstore)",
    "create type nothing as ()",
    "create type textrange as range (subtype = text)",
    "create type moodrange as range (subtype = mood)",
    "create type intervalrange as range (subtype = interval)",
    "create domain exact as numeric",
    "create domain exacter as exact check (value is null or value <> 7)",
    "create domain ints as int[]",
    "create domain pairs as pair[]",
    "create domain during as tstzrange",
    "create type of_domains as (a exacter, b ints, c during, d pairs)",
    "create table of_catalog (a int default 1, b int default 2, \"drop\" int, c text)",
    "alter table of_catalog drop column \"drop\"",
    "insert into of_catalog select i % 10, i % 20, i % 3 from generate_series(1, 1000) i",
    "create statistics of_catalog_1 (ndistinct, dependencies, mcv) on a, b from of_catalog",
    "create statistics of_catalog_2 (ndistinct, dependencies, mcv) on b, c from of_catalog",
    "analyze of_catalog",
  };

  private static final String TYPES =
      """
      select t.oid::int8, format_type(t.oid, -1), t.typtype::text, t.typbasetype::int8,
             coalesce(e.oid, 0)::int8,
             coalesce((select rngsubtype from pg_range where rngtypid = t.oid), 0)::int8,
             coalesce((select rngtypid from pg_range where rngmultitypid = t.oid), 0)::int8,
             array(select a.atttypid::int8 from pg_attribute a
                   where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0
                     and not a.attisdropped order by a.attnum),
             array(select enumlabel::text from pg_enum where enumtypid = t.oid order by enumsortorder),
             exists (select from pg_class c
                     where c.oid = coalesce(nullif(t.typrelid, 0), e.typrelid)
                       and c.relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace))
      from pg_type t left join pg_type e on e.oid = t.typelem and e.typarray = t.oid
      where t.typtype <> 'p' order by t.oid
      """;

  /**
   * A type of the server.
   *
   * @param oid its number
   * @param name as {@code format_type} gives it
   * @param form {@code typtype}
   * @param base of a domain, else 0
   * @param element of an array, else 0
   * @param bound type of the bounds of a range, else 0
   * @param range of a multirange, else 0
   * @param attributes types of the attributes of a composite
   * @param labels of an enum
   * @param ofCatalog whether it is the row of a table of the catalog, or an array of such rows
   */
  record Type(
      long oid,
      String name,
      String form,
      long base,
      long element,
      long bound,
      long range,
      List<Long> attributes,
      List<String> labels,
      boolean ofCatalog) {}

  private final Map<String, List<String>> written = new LinkedHashMap<>();
  private final Map<Long, Type> types = new LinkedHashMap<>();
  private final Map<Long, List<String>> known = new LinkedHashMap<>();
  private final Set<Long> withoutInput = new TreeSet<>();

  private TypeValues(int majorVersion) {
    WRITTEN
        .lines()
        .forEach(
            line -> {
              String[] parts = line.split("¦", -1);
              String[] nameAndSince = parts[0].split("@");
              if (nameAndSince.length == 1 || Integer.parseInt(nameAndSince[1]) <= majorVersion) {
                written
                    .computeIfAbsent(nameAndSince[0], name -> new ArrayList<>())
                    .addAll(List.of(parts).subList(1, parts.length));
              }
            });
  }

  /** The types of a server, with the values that servers of this version have. */
  static TypeValues read(Connection connection, int majorVersion) throws SQLException {
    TypeValues values = new TypeValues(majorVersion);
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(TYPES)) {
      while (row.next()) {
        values.types.put(
            row.getLong(1),
            new Type(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                row.getLong(4),
                row.getLong(5),
                row.getLong(6),
                row.getLong(7),
                List.of((Long[]) row.getArray(8).getArray()),
                List.of((String[]) row.getArray(9).getArray()),
                row.getBoolean(10)));
      }
    }
    return values;
  }

  List<Type> types() {
    return List.copyOf(types.values());
  }

  /** Whether what PostgreSQL prints of a type's values, or of their parts, can be read again. */
  boolean canBeWritten(Type type) {
    of(type);
    return !withoutInput.contains(type.oid());
  }

  /**
   * Values of a type as SQL; none if PostgreSQL has none but NULL.
   *
   * @throws AssertionError if nobody has written any for it
   */
  List<String> of(Type type) {
    List<String> values = known.get(type.oid());
    if (values == null) {
      values = make(type).stream().map(v -> "(%s)::%s".formatted(v, type.name())).toList();
      known.put(type.oid(), values);
    }
    return values;
  }

  private List<String> of(long oid, Type whole) {
    Type part = types.get(oid);
    List<String> values = of(part);
    if (withoutInput.contains(oid)) {
      withoutInput.add(whole.oid());
    }
    return values;
  }

  private List<String> make(Type type) {
    List<String> own = written.get(type.name());
    if (own != null) {
      if (WITHOUT_INPUT.contains(type.name())) {
        withoutInput.add(type.oid());
      }
      return own.stream().map(TypeValues::expression).toList();
    } else if (WITHOUT_VALUES.contains(type.name())) {
      return List.of();
    } else if (type.element() != 0) {
      return ofArray(type, of(type.element(), type));
    }
    return switch (type.form()) {
      case "e" -> type.labels().stream().map(TypeValues::literal).toList();
      case "d" -> of(type.base(), type);
      case "r" -> ofRange(type.name(), of(type.bound(), type));
      case "m" -> ofMultirange(type.name(), of(type.range(), type));
      case "c" -> ofComposite(type);
      default ->
          throw new AssertionError(
              "nobody has written values of the type %s; add a line".formatted(type.name()));
    };
  }

  private static String expression(String value) {
    return value.startsWith("=") ? value.substring(1) : literal(value);
  }

  private static String literal(String value) {
    return "'" + value.replace("'", "''") + "'";
  }

  private List<String> ofArray(Type type, List<String> elements) {
    List<String> values = new ArrayList<>(List.of("'{}'", "array[null]"));
    if (!elements.isEmpty()) {
      String one = elements.get(0);
      String other = elements.get(elements.size() - 1);
      String all = "array[%s, null]".formatted(String.join(", ", elements));
      values.add(all);
      values.add("array[[%s, %s], [%s, null]]".formatted(one, other, other));
      if (!withoutInput.contains(type.oid())) {
        values.add(
            "('[0:' || %d || ']=' || ((%s)::%s)::text)"
                .formatted(elements.size(), all, type.name()));
      }
    }
    return values;
  }

  private static List<String> ofRange(String name, List<String> bounds) {
    String one = bounds.get(0);
    String other = bounds.get(1);
    return List.of(
        "'empty'",
        "%s(null, null)".formatted(name),
        "%s(least(%s, %s), greatest(%s, %s), '[)')".formatted(name, one, other, one, other),
        "%s(least(%s, %s), greatest(%s, %s), '(]')".formatted(name, one, other, one, other),
        "%s(%s, null, '[)')".formatted(name, one),
        "%s(null, %s, '()')".formatted(name, other));
  }

  private static List<String> ofMultirange(String name, List<String> ranges) {
    return List.of(
        "'{}'",
        "%s(%s)".formatted(name, ranges.get(2)),
        "%s(%s, %s)".formatted(name, ranges.get(2), ranges.get(4)),
        "%s(%s)".formatted(name, ranges.get(1)));
  }

  private List<String> ofComposite(Type type) {
    List<String> nulls = new ArrayList<>();
    List<String> firsts = new ArrayList<>();
    List<String> lasts = new ArrayList<>();
    for (long attribute : type.attributes()) {
      List<String> values = of(attribute, type);
      nulls.add("null");
      firsts.add(values.isEmpty() ? "null" : values.get(0));
      lasts.add(values.isEmpty() ? "null" : values.get(values.size() - 1));
    }
    return List.of(row(nulls), row(firsts), row(lasts));
  }

  private static String row(List<String> values) {
    return "row(%s)".formatted(String.join(", ", values));
  }
}
