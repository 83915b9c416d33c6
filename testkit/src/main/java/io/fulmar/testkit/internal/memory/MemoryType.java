package io.fulmar.testkit.internal.memory;

import io.fulmar.SpecialValue;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.JavaValue;
import io.fulmar.internal.type.ScalarType;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A column type of a source in memory: which values it takes, and the bytes in which PostgreSQL
 * would send them. Immutable.
 *
 * @param name as {@code format_type} gives it, without length and precision
 * @param kind how the bytes are read
 * @param valueType what the text means, if the column is read as text
 * @param length most characters of varchar and char; -1 for no limit
 * @param precision most digits of a numeric; -1 for no limit
 * @param scale digits after the point of a numeric that has a precision
 */
public record MemoryType(
    String name, ColumnKind kind, ScalarType valueType, int length, int precision, int scale) {
  /** The names of all types, for messages. */
  public static final String NAMES =
      "smallint, integer, bigint, numeric, real, double precision, boolean, text, varchar, char,"
          + " uuid, date, time, timestamp, timestamptz, bytea, json, jsonb";

  private static final Pattern FORM =
      Pattern.compile("([a-z0-9 ]+?) ?(?:\\( ?(\\d{1,8}) ?(?:, ?(\\d{1,4}) ?)?\\))?");
  private static final Map<String, ColumnKind> KINDS =
      Map.ofEntries(
          Map.entry("smallint", ColumnKind.INT2),
          Map.entry("integer", ColumnKind.INT4),
          Map.entry("bigint", ColumnKind.INT8),
          Map.entry("numeric", ColumnKind.NUMERIC),
          Map.entry("real", ColumnKind.FLOAT4),
          Map.entry("double precision", ColumnKind.FLOAT8),
          Map.entry("boolean", ColumnKind.BOOL),
          Map.entry("text", ColumnKind.TEXT),
          Map.entry("character varying", ColumnKind.TEXT),
          Map.entry("character", ColumnKind.BPCHAR),
          Map.entry("uuid", ColumnKind.UUID),
          Map.entry("date", ColumnKind.DATE),
          Map.entry("time without time zone", ColumnKind.TIME),
          Map.entry("timestamp without time zone", ColumnKind.TIMESTAMP),
          Map.entry("timestamp with time zone", ColumnKind.TIMESTAMPTZ),
          Map.entry("bytea", ColumnKind.BYTEA),
          Map.entry("json", ColumnKind.JSON),
          Map.entry("jsonb", ColumnKind.OTHER));
  private static final Map<String, String> OTHER_NAMES =
      Map.ofEntries(
          Map.entry("int2", "smallint"),
          Map.entry("int", "integer"),
          Map.entry("int4", "integer"),
          Map.entry("int8", "bigint"),
          Map.entry("decimal", "numeric"),
          Map.entry("float4", "real"),
          Map.entry("float8", "double precision"),
          Map.entry("bool", "boolean"),
          Map.entry("varchar", "character varying"),
          Map.entry("char", "character"),
          Map.entry("time", "time without time zone"),
          Map.entry("timestamp", "timestamp without time zone"),
          Map.entry("timestamptz", "timestamp with time zone"));

  /** Values of up to so many characters have a small limit on their size. */
  private static final int SMALL = 16_000;

  private static final int SMALL_KEY = 2_048;
  private static final int MOST_CHARACTERS = 10_485_760;
  private static final int MOST_DIGITS = 1_000;
  private static final long MICROS_PER_SECOND = 1_000_000;
  private static final LocalDate EPOCH = LocalDate.of(2000, 1, 1);

  /**
   * A type by its name in SQL.
   *
   * @return null if there is none of that name here
   */
  public static @Nullable MemoryType of(String sqlName) {
    Matcher form = FORM.matcher(sqlName.strip().toLowerCase(Locale.ROOT));
    if (!form.matches()) {
      return null;
    }
    String name = OTHER_NAMES.getOrDefault(form.group(1), form.group(1));
    ColumnKind kind = KINDS.get(name);
    if (kind == null) {
      return null;
    }
    int first = form.group(2) == null ? -1 : Integer.parseInt(form.group(2));
    int second = form.group(3) == null ? -1 : Integer.parseInt(form.group(3));
    boolean ofCharacters = name.startsWith("character");
    if (ofCharacters && second < 0) {
      int length = first < 0 && kind == ColumnKind.BPCHAR ? 1 : first;
      return length == 0 || length > MOST_CHARACTERS
          ? null
          : new MemoryType(name, kind, ScalarType.TEXT, length, -1, 0);
    }
    if (kind == ColumnKind.NUMERIC && first >= 0) {
      int scale = Math.max(second, 0);
      return first == 0 || first > MOST_DIGITS || scale > MOST_DIGITS
          ? null
          : new MemoryType(name, kind, ScalarType.DECIMAL, -1, first, scale);
    }
    if (first >= 0) {
      return null;
    }
    ScalarType valueType = kind == ColumnKind.OTHER ? ScalarType.TEXT : ScalarType.of(kind);
    return new MemoryType(name, kind, valueType, -1, -1, 0);
  }

  /** Whether values of a column have a small limit on their size. */
  boolean isBounded(boolean key) {
    return switch (kind) {
      case TEXT, BPCHAR -> length > 0 && length <= (key ? SMALL_KEY : SMALL);
      case JSON, BYTEA, OTHER -> false;
      default -> true;
    };
  }

  /** The Java types that a value may have, for messages. */
  public String takes() {
    String type = valueType.javaType().getName();
    return switch (kind) {
      case INT8 -> type + " or java.lang.Integer";
      case NUMERIC, DATE, TIMESTAMP, TIMESTAMPTZ -> type + " or SpecialValue";
      case BYTEA -> "byte[]";
      default -> type;
    };
  }

  /**
   * Why a value is none of this type, without the value: "is a java.util.Date"; null if it is one.
   */
  public @Nullable String objection(Object value) {
    if (!isOfType(value)) {
      return "is a " + JavaValue.typeName(value);
    }
    String objection = JavaValue.objection(value);
    if (objection != null) {
      return objection;
    }
    if (kind == ColumnKind.INT2 && (short) (int) (Integer) value != (Integer) value) {
      return "is beyond what a smallint holds";
    }
    if (length > 0 && value instanceof String text) {
      int characters = text.codePointCount(0, text.length());
      boolean fits = characters <= length || isBlankFrom(text, length);
      return fits ? null : "has more characters than the column takes";
    }
    if (precision > 0 && value instanceof BigDecimal number) {
      BigDecimal stored = number.setScale(scale, RoundingMode.HALF_UP);
      return stored.precision() - stored.scale() <= precision - scale
          ? null
          : "has more digits than the column takes";
    }
    if (kind == ColumnKind.OTHER && value instanceof String text) {
      return Jsonb.of(text) == null ? "is no JSON" : null;
    }
    return null;
  }

  /** Too many blanks at the end are cut off, as in SQL. */
  private static boolean isBlankFrom(String text, int characters) {
    return text.substring(text.offsetByCodePoints(0, characters)).isBlank();
  }

  private boolean isOfType(Object value) {
    if (value instanceof SpecialValue special) {
      List<String> known =
          switch (kind) {
            case NUMERIC ->
                precision > 0 ? List.of("NaN") : List.of("NaN", "Infinity", "-Infinity");
            case DATE, TIMESTAMP, TIMESTAMPTZ -> List.of("infinity", "-infinity");
            case TIME -> List.of("24:00:00");
            default -> List.of();
          };
      return known.contains(special.text());
    }
    return valueType.javaType().isInstance(value)
        || (kind == ColumnKind.INT8 && value instanceof Integer);
  }

  /**
   * The bytes that PostgreSQL would send.
   *
   * @param value one without an {@link #objection}
   */
  public byte[] image(Object value) {
    Object normal = JavaValue.normal(value);
    return switch (kind) {
      case INT2 -> ByteBuffer.allocate(2).putShort((short) (int) (Integer) normal).array();
      case INT4 -> ByteBuffer.allocate(4).putInt((Integer) normal).array();
      case INT8 -> ofLong(((Number) normal).longValue());
      // These two give one NaN for all.
      case FLOAT4 -> ByteBuffer.allocate(4).putInt(Float.floatToIntBits((Float) normal)).array();
      case FLOAT8 -> ofLong(Double.doubleToLongBits((Double) normal));
      case BOOL -> new byte[] {(byte) ((Boolean) normal ? 1 : 0)};
      case NUMERIC ->
          normal instanceof BigDecimal number
              ? NumericBytes.of(
                  precision > 0 ? number.setScale(scale, RoundingMode.HALF_UP) : number)
              : NumericBytes.special(((SpecialValue) normal).text());
      case TEXT -> utf8(fitting((String) normal));
      case BPCHAR -> utf8(padded(fitting((String) normal)));
      case JSON -> utf8((String) normal);
      case OTHER -> utf8(String.valueOf(Jsonb.of((String) normal)));
      case BYTEA -> (byte[]) normal;
      case UUID -> {
        UUID id = (UUID) normal;
        yield ByteBuffer.allocate(16)
            .putLong(id.getMostSignificantBits())
            .putLong(id.getLeastSignificantBits())
            .array();
      }
      case DATE -> ByteBuffer.allocate(4).putInt(days(normal)).array();
      case TIME ->
          ofLong(
              normal instanceof LocalTime time
                  ? time.toNanoOfDay() / 1000
                  : 86_400 * MICROS_PER_SECOND);
      case TIMESTAMP, TIMESTAMPTZ -> ofLong(micros(normal));
      default -> throw new IllegalStateException("no value has the type " + name);
    };
  }

  /**
   * The bytes of a value that is given as text.
   *
   * @throws IllegalArgumentException if it is no value of this type
   */
  byte[] imageOfText(String text) {
    Object value =
        switch (kind) {
          case INT2, INT4 -> Integer.valueOf(text.strip());
          case INT8 -> Long.valueOf(text.strip());
          default -> {
            try {
              yield valueType.parse(text);
            } catch (RuntimeException e) {
              throw new IllegalArgumentException("no value of " + name, e);
            }
          }
        };
    if (objection(value) != null) {
      throw new IllegalArgumentException("no value of " + name);
    }
    return image(value);
  }

  private static byte[] ofLong(long value) {
    return ByteBuffer.allocate(8).putLong(value).array();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private String fitting(String text) {
    boolean fits = length < 0 || text.codePointCount(0, text.length()) <= length;
    return fits ? text : text.substring(0, text.offsetByCodePoints(0, length));
  }

  private String padded(String text) {
    return text + " ".repeat(length - text.codePointCount(0, text.length()));
  }

  private static int days(Object value) {
    if (value instanceof LocalDate date) {
      return (int) (date.toEpochDay() - EPOCH.toEpochDay());
    }
    return isNegative(value) ? Integer.MIN_VALUE : Integer.MAX_VALUE;
  }

  private static long micros(Object value) {
    if (value instanceof SpecialValue) {
      return isNegative(value) ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
    LocalDateTime timestamp =
        value instanceof OffsetDateTime instant ? instant.toLocalDateTime() : (LocalDateTime) value;
    long seconds = timestamp.toEpochSecond(ZoneOffset.UTC) - EPOCH.toEpochDay() * 86_400;
    return seconds * MICROS_PER_SECOND + timestamp.getNano() / 1000;
  }

  private static boolean isNegative(Object special) {
    return ((SpecialValue) special).text().startsWith("-");
  }
}
