package io.fulmar.internal.type;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fulmar.SpecialValue;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.UUID;

/**
 * How the values of one result column travel in binary COPY and what they become.
 *
 * <p>An image is the field of a COPY row without its length (PostgreSQL manual, "COPY", Binary
 * Format): what the type's send function writes. NULL has no image. Images are trusted to come from
 * a server with client encoding UTF8; one that no server would send gives an {@link
 * IllegalArgumentException} that names the kind and the length, never the content.
 *
 * <p>This enum is threadsafe.
 */
public enum ColumnKind {
  /** bool: {@link Boolean}, text {@code true} or {@code false}. */
  BOOL(1),
  /** int2: {@link Integer}. */
  INT2(2),
  /** int4: {@link Integer}. */
  INT4(4),
  /** int8: {@link Long}. */
  INT8(8),
  /** float4: {@link Float}. */
  FLOAT4(4),
  /** float8: {@link Double}. */
  FLOAT8(8),
  /** numeric: {@link java.math.BigDecimal} with its display scale; NaN and infinities special. */
  NUMERIC(-1),
  /** text, varchar and name: {@link String}. */
  TEXT(-1),
  /** json: {@link String}, white space and order kept. */
  JSON(-1),
  /** char(n): {@link String} with its trailing blanks. */
  BPCHAR(-1),
  /** bytea: {@code byte[]}, text in hex. */
  BYTEA(-1),
  /** date: {@link java.time.LocalDate}, BC as years of 0 and less; infinities special. */
  DATE(4),
  /** time: {@link java.time.LocalTime}; 24:00 special. */
  TIME(8),
  /** timetz: {@link java.time.OffsetTime}; 24:00 special. */
  TIMETZ(12),
  /** timestamp: {@link java.time.LocalDateTime}; infinities special. */
  TIMESTAMP(8),
  /** timestamptz: {@link java.time.OffsetDateTime} in UTC; infinities special. */
  TIMESTAMPTZ(8),
  /** uuid: {@link UUID}. */
  UUID(16),
  /** inet: {@link String} as {@code inet_out} prints it, without the netmask of a single host. */
  INET(-1),
  /** cidr: {@link String} with its netmask. */
  CIDR(-1),
  /** macaddr: {@link String}. */
  MACADDR(6),
  /** macaddr8: {@link String}. */
  MACADDR8(8),
  /** Any enum: its label as {@link String}. */
  ENUM(-1),
  /** Every other type, selected as {@code column::text}: {@link String}. */
  OTHER(-1);

  private static final HexFormat HEX = HexFormat.of();
  private static final HexFormat HEX_COLONS = HexFormat.ofDelimiter(":");

  private final int size;

  /** {@code size}: bytes of every image, -1 if they differ. */
  ColumnKind(int size) {
    this.size = size;
  }

  /**
   * The kind of a column.
   *
   * @param typeOid {@code pg_type.oid}, of the base type where the column has a domain
   * @param typtype {@code pg_type.typtype} of the same type
   */
  public static ColumnKind of(int typeOid, char typtype) {
    if (typtype == 'e') {
      return ENUM;
    }
    return switch (typeOid) {
      case 16 -> BOOL;
      case 17 -> BYTEA;
      case 19, 25, 1043 -> TEXT;
      case 20 -> INT8;
      case 21 -> INT2;
      case 23 -> INT4;
      case 114 -> JSON;
      case 650 -> CIDR;
      case 700 -> FLOAT4;
      case 701 -> FLOAT8;
      case 774 -> MACADDR8;
      case 829 -> MACADDR;
      case 869 -> INET;
      case 1042 -> BPCHAR;
      case 1082 -> DATE;
      case 1083 -> TIME;
      case 1114 -> TIMESTAMP;
      case 1184 -> TIMESTAMPTZ;
      case 1266 -> TIMETZ;
      case 1700 -> NUMERIC;
      case 2950 -> UUID;
      default -> OTHER;
    };
  }

  /** Whether the column must be selected as {@code column::text}: true for {@link #OTHER} only. */
  public boolean readAsText() {
    return this == OTHER;
  }

  /**
   * The Java value of an image: the type named at each kind, or {@link SpecialValue} with the text
   * of a value that this type does not have.
   *
   * @throws IllegalArgumentException if the bytes are no image of this kind; text that is not
   *     UTF-8, which a database in SQL_ASCII may hold, is such a case
   */
  public Object value(byte[] buf, int off, int len) {
    check(buf, off, len);
    return switch (this) {
      case BOOL -> buf[off] != 0;
      case INT2 -> (int) BigEndian.int16(buf, off);
      case INT4 -> BigEndian.int32(buf, off);
      case INT8 -> BigEndian.int64(buf, off);
      case FLOAT4 -> Float.intBitsToFloat(BigEndian.int32(buf, off));
      case FLOAT8 -> Double.longBitsToDouble(BigEndian.int64(buf, off));
      case NUMERIC ->
          NumericImage.finite(NumericImage.sign(buf, off))
              ? NumericImage.value(buf, off)
              : new SpecialValue(NumericImage.text(buf, off));
      case BYTEA -> Arrays.copyOfRange(buf, off, off + len);
      case DATE -> Temporal.date(BigEndian.int32(buf, off));
      case TIME -> Temporal.time(BigEndian.int64(buf, off));
      case TIMETZ -> Temporal.timetz(BigEndian.int64(buf, off), BigEndian.int32(buf, off + 8));
      case TIMESTAMP -> Temporal.timestamp(BigEndian.int64(buf, off));
      case TIMESTAMPTZ -> Temporal.timestamptz(BigEndian.int64(buf, off));
      case UUID -> new UUID(BigEndian.int64(buf, off), BigEndian.int64(buf, off + 8));
      case TEXT, JSON, BPCHAR, ENUM, OTHER -> utf8(buf, off, len);
      case INET, CIDR, MACADDR, MACADDR8 -> text(buf, off, len);
    };
  }

  /**
   * PostgreSQL's text of an image: what the type's output function prints with DateStyle ISO,
   * TimeZone UTC, bytea_output hex and extra_float_digits 1. That is also what {@code ::text}
   * gives, with three differences between the two in PostgreSQL itself: bool is {@code true} or
   * {@code false} here, as in {@code ::text}; char(n) keeps its trailing blanks and inet leaves out
   * the netmask of a single host, as in the output functions.
   *
   * @throws IllegalArgumentException as for {@link #value}
   */
  public String text(byte[] buf, int off, int len) {
    check(buf, off, len);
    return switch (this) {
      case BOOL -> Boolean.toString(buf[off] != 0);
      case INT2 -> Integer.toString(BigEndian.int16(buf, off));
      case INT4 -> Integer.toString(BigEndian.int32(buf, off));
      case INT8 -> Long.toString(BigEndian.int64(buf, off));
      case FLOAT4 -> ShortestDecimal.text(Float.intBitsToFloat(BigEndian.int32(buf, off)));
      case FLOAT8 -> ShortestDecimal.text(Double.longBitsToDouble(BigEndian.int64(buf, off)));
      case NUMERIC -> NumericImage.text(buf, off);
      case BYTEA -> "\\x" + HEX.formatHex(buf, off, off + len);
      case DATE -> Temporal.dateText(BigEndian.int32(buf, off));
      case TIME -> Temporal.timeText(BigEndian.int64(buf, off));
      case TIMETZ -> Temporal.timetzText(BigEndian.int64(buf, off), BigEndian.int32(buf, off + 8));
      case TIMESTAMP -> Temporal.timestampText(BigEndian.int64(buf, off), "");
      case TIMESTAMPTZ -> Temporal.timestampText(BigEndian.int64(buf, off), "+00");
      case UUID -> value(buf, off, len).toString();
      case TEXT, JSON, BPCHAR, ENUM, OTHER -> utf8(buf, off, len);
      case INET, CIDR -> NetworkAddress.text(this, buf, off, len);
      case MACADDR, MACADDR8 -> HEX_COLONS.formatHex(buf, off, off + len);
    };
  }

  void check(byte[] buf, int off, int len) {
    if (this == NUMERIC) {
      NumericImage.check(buf, off, len);
    } else if (size >= 0 && len != size) {
      throw malformed(this, len);
    }
  }

  /** Decodes, and looks closer only if a replacement character came out: it may be a real one. */
  private String utf8(byte[] buf, int off, int len) {
    String text = new String(buf, off, len, UTF_8);
    if (text.indexOf('\uFFFD') >= 0) {
      try {
        UTF_8.newDecoder().decode(ByteBuffer.wrap(buf, off, len));
      } catch (CharacterCodingException e) {
        throw new IllegalArgumentException("Cannot decode " + this + ": it is not UTF-8", e);
      }
    }
    return text;
  }

  static IllegalArgumentException malformed(ColumnKind kind, int len) {
    return new IllegalArgumentException(
        "Cannot decode " + kind + ": " + len + " bytes are no image of it");
  }
}
