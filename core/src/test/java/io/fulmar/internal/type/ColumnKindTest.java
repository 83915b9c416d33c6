package io.fulmar.internal.type;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.SpecialValue;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@link ColumnKind} over images and texts that a PostgreSQL 15 gave (send function and output
 * function of each type, TimeZone UTC). Proven: text and value of each kind, and that what is no
 * image is refused without being shown.
 */
class ColumnKindTest {
  /** Kind, image in hex, text. */
  private static final String FROM_THE_SERVER =
      """
      BOOL|01|true
      BOOL|00|false
      INT2|8000|-32768
      INT4|80000000|-2147483648
      INT8|7fffffffffffffff|9223372036854775807
      FLOAT4|3dcccccd|0.1
      FLOAT4|80000000|-0
      FLOAT4|49742400|1e+06
      FLOAT4|497423f0|999999
      FLOAT4|00000001|1e-45
      FLOAT4|7fc00000|NaN
      FLOAT8|3fb999999999999a|0.1
      FLOAT8|4415af1d78b58c40|1e+20
      FLOAT8|3ee4f8b588e368f1|1e-05
      FLOAT8|3f1a36e2eb1c432d|0.0001
      FLOAT8|44b52d02c7e14af6|9.999999999999999e+22
      FLOAT8|0000000000000001|5e-324
      FLOAT8|7fefffffffffffff|1.7976931348623157e+308
      FLOAT8|3f60624dd2f1a9fc|0.002
      FLOAT8|430c6bf52633fff8|999999999999999
      FLOAT8|fff0000000000000|-Infinity
      FLOAT8|0010000000000000|2.2250738585072014e-308
      NUMERIC|00010000000000020001|1.00
      NUMERIC|0000000000000000|0
      NUMERIC|0000000000000003|0.000
      NUMERIC|000300014000000104d2162e2328|-12345678.9
      NUMERIC|0001fffe0000000503e8|0.00001
      NUMERIC|00010005000000000001|100000000000000000000
      NUMERIC|000700040000000504d2162e23340d801ed204d21388|12345678901234567890.12345
      NUMERIC|00000000c0000000|NaN
      NUMERIC|00000000d0000020|Infinity
      NUMERIC|00000000f0000020|-Infinity
      DATE|00000000|2000-01-01
      DATE|fff49d7b|0044-03-15 BC
      DATE|7fda970c|5874897-12-31
      DATE|7fffffff|infinity
      DATE|80000000|-infinity
      TIME|000000141dd75fff|23:59:59.999999
      TIME|0000000a7a3d2320|12:30:00.5
      TIME|000000141dd76000|24:00:00
      TIMETZ|0000000a0eebb000ffffb2a8|12:00:00+05:30
      TIMETZ|0000000a0eef809000002a30|12:00:00.25-03
      TIMETZ|0000000a0eebb00000000001|12:00:00-00:00:01
      TIMETZ|000000141dd76000ffffe3e0|24:00:00+02
      TIMESTAMP|fffffffffffe7960|1999-12-31 23:59:59.9
      TIMESTAMP|ff1fe2ffc59c5fff|0001-12-31 23:59:59.999999 BC
      TIMESTAMP|7fffff5bb3a35dc0|294276-12-31 23:59:59
      TIMESTAMP|7fffffffffffffff|infinity
      TIMESTAMPTZ|0002b581944b3e08|2024-02-29 10:34:56.789+00
      TIMESTAMPTZ|ff1af9deec5b2000|0044-03-15 00:00:00+00 BC
      TIMESTAMPTZ|8000000000000000|-infinity
      UUID|a0eebc999c0b4ef8bb6d6bb9bd380a11|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11
      INET|02200004c0a80001|192.168.0.1
      INET|02180004c0a80001|192.168.0.1/24
      INET|0380001020010db8000000000001000000000001|2001:db8::1:0:0:1
      INET|0380001000000000000000000000000000000000|::
      INET|0380001000000000000000000000000001020304|::1.2.3.4
      INET|0364001000000000000000000000ffff01020304|::ffff:1.2.3.4/100
      INET|0380001000010000000200000000000000000000|1:0:2::
      CIDR|022001040a010203|10.1.2.3/32
      CIDR|0320011020010db8000000000000000000000000|2001:db8::/32
      MACADDR|08002b010203|08:00:2b:01:02:03
      MACADDR8|08002b0102030405|08:00:2b:01:02:03:04:05
      BYTEA|00ff7f|\\x00ff7f
      BYTEA||\\x
      TEXT|6772c3bc6e20f09f9880|grün 😀
      JSON|7b2261223a20312e307d|{"a": 1.0}
      BPCHAR|616220|ab\s
      ENUM|70616964|paid
      OTHER|7b312c327d|{1,2}
      """;

  private record Sample(ColumnKind kind, byte[] image, String text) {
    private static Sample parse(String line) {
      String[] parts = line.split("\\|", 3);
      return new Sample(ColumnKind.valueOf(parts[0]), hex(parts[1]), parts[2]);
    }

    @Override
    public String toString() {
      return kind + " " + text;
    }
  }

  private static Stream<Sample> samples() {
    return FROM_THE_SERVER.lines().map(Sample::parse);
  }

  private static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits);
  }

  private static Object value(ColumnKind kind, String text) {
    Sample sample =
        samples().filter(s -> s.kind == kind && s.text.equals(text)).findFirst().orElseThrow();
    return kind.value(sample.image, 0, sample.image.length);
  }

  @Test
  void samplesCoverEveryKind() {
    assertThat(samples().map(Sample::kind).collect(Collectors.toSet()))
        .isEqualTo(EnumSet.allOf(ColumnKind.class));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void textIsWhatTheServerPrints(Sample sample) {
    assertThat(sample.kind.text(sample.image, 0, sample.image.length)).isEqualTo(sample.text);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void imageIsReadWhereItLiesInTheRow(Sample sample) {
    byte[] row = new byte[sample.image.length + 5];
    Arrays.fill(row, (byte) 0x77);
    System.arraycopy(sample.image, 0, row, 3, sample.image.length);
    assertThat(sample.kind.text(row, 3, sample.image.length)).isEqualTo(sample.text);
    assertThat(sample.kind.value(row, 3, sample.image.length))
        .isEqualTo(sample.kind.value(sample.image, 0, sample.image.length));
  }

  @Test
  void numbersBecomeJavaNumbers() {
    assertThat(value(ColumnKind.BOOL, "true")).isEqualTo(true);
    assertThat(value(ColumnKind.INT2, "-32768")).isEqualTo(-32768);
    assertThat(value(ColumnKind.INT4, "-2147483648")).isEqualTo(Integer.MIN_VALUE);
    assertThat(value(ColumnKind.INT8, "9223372036854775807")).isEqualTo(Long.MAX_VALUE);
    assertThat(value(ColumnKind.FLOAT4, "-0")).isEqualTo(-0.0f);
    assertThat(value(ColumnKind.FLOAT8, "0.1")).isEqualTo(0.1);
    assertThat(value(ColumnKind.FLOAT8, "-Infinity")).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void numericKeepsItsScale() {
    for (String text :
        List.of("1.00", "0", "0.000", "-12345678.9", "0.00001", "12345678901234567890.12345")) {
      assertThat(value(ColumnKind.NUMERIC, text)).isEqualTo(new BigDecimal(text));
    }
    assertThat(value(ColumnKind.NUMERIC, "100000000000000000000"))
        .isEqualTo(BigDecimal.TEN.pow(20));
  }

  @Test
  void datesAndTimesBecomeJavaTimes() {
    assertThat(value(ColumnKind.DATE, "0044-03-15 BC")).isEqualTo(LocalDate.of(-43, 3, 15));
    assertThat(value(ColumnKind.DATE, "5874897-12-31")).isEqualTo(LocalDate.of(5874897, 12, 31));
    assertThat(value(ColumnKind.TIME, "23:59:59.999999"))
        .isEqualTo(LocalTime.of(23, 59, 59, 999_999_000));
    assertThat(value(ColumnKind.TIMETZ, "12:00:00+05:30"))
        .isEqualTo(OffsetTime.of(12, 0, 0, 0, ZoneOffset.ofHoursMinutes(5, 30)));
    assertThat(value(ColumnKind.TIMESTAMP, "1999-12-31 23:59:59.9"))
        .isEqualTo(LocalDateTime.of(1999, 12, 31, 23, 59, 59, 900_000_000));
    assertThat(value(ColumnKind.TIMESTAMPTZ, "2024-02-29 10:34:56.789+00"))
        .isEqualTo(OffsetDateTime.parse("2024-02-29T10:34:56.789Z"));
  }

  @Test
  void bytesAndUuidsBecomeTheirTypes() {
    assertThat(value(ColumnKind.BYTEA, "\\x00ff7f")).isEqualTo(new byte[] {0, -1, 127});
    assertThat(value(ColumnKind.UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"))
        .isEqualTo(UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
  }

  @Test
  void valuesThatJavaLacksAreSpecial() {
    Stream.of("NaN", "Infinity", "-Infinity")
        .forEach(text -> assertSpecial(ColumnKind.NUMERIC, text));
    Stream.of("infinity", "-infinity").forEach(text -> assertSpecial(ColumnKind.DATE, text));
    assertSpecial(ColumnKind.TIMESTAMP, "infinity");
    assertSpecial(ColumnKind.TIMESTAMPTZ, "-infinity");
    assertSpecial(ColumnKind.TIME, "24:00:00");
    assertSpecial(ColumnKind.TIMETZ, "24:00:00+02");
  }

  private static void assertSpecial(ColumnKind kind, String text) {
    assertThat(value(kind, text)).isEqualTo(new SpecialValue(text));
  }

  @Test
  void otherValuesAreTheirText() {
    for (ColumnKind kind :
        List.of(
            ColumnKind.TEXT,
            ColumnKind.JSON,
            ColumnKind.BPCHAR,
            ColumnKind.INET,
            ColumnKind.CIDR,
            ColumnKind.MACADDR,
            ColumnKind.MACADDR8,
            ColumnKind.ENUM,
            ColumnKind.OTHER)) {
      samples()
          .filter(s -> s.kind == kind)
          .forEach(s -> assertThat(value(kind, s.text)).isEqualTo(s.text));
    }
  }

  @Test
  void kindFollowsFromTheType() {
    assertThat(ColumnKind.of(23, 'b')).isEqualTo(ColumnKind.INT4);
    assertThat(ColumnKind.of(1043, 'b')).isEqualTo(ColumnKind.TEXT);
    assertThat(ColumnKind.of(19, 'b')).isEqualTo(ColumnKind.TEXT);
    assertThat(ColumnKind.of(114, 'b')).isEqualTo(ColumnKind.JSON);
    assertThat(ColumnKind.of(3802, 'b')).isEqualTo(ColumnKind.OTHER); // jsonb
    assertThat(ColumnKind.of(1186, 'b')).isEqualTo(ColumnKind.OTHER); // interval
    assertThat(ColumnKind.of(16_400, 'e')).isEqualTo(ColumnKind.ENUM);
    assertThat(ColumnKind.of(16_400, 'c')).isEqualTo(ColumnKind.OTHER);
  }

  @Test
  void onlyOtherTypesAreReadAsText() {
    assertThat(Arrays.stream(ColumnKind.values()).filter(ColumnKind::readAsText))
        .containsExactly(ColumnKind.OTHER);
  }

  @Test
  void wrongLengthIsRefused() {
    byte[] bytes = new byte[40];
    for (ColumnKind kind : List.of(ColumnKind.BOOL, ColumnKind.INT8, ColumnKind.TIMETZ)) {
      assertThatThrownBy(() -> kind.value(bytes, 0, 5))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("Cannot decode " + kind + ": 5 bytes are no image of it");
    }
    assertThatThrownBy(() -> ColumnKind.NUMERIC.text(bytes, 0, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot decode NUMERIC: 10 bytes are no image of it");
    assertThatThrownBy(() -> ColumnKind.INET.text(bytes, 0, 9))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot decode INET: 9 bytes are no image of it");
  }

  @Test
  void textThatIsNotUtf8IsRefusedAndARealReplacementCharacterIsNot() {
    byte[] latin1 = {'s', 'e', 'c', (byte) 0xE4, 't'};
    assertThatThrownBy(() -> ColumnKind.TEXT.value(latin1, 0, latin1.length))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot decode TEXT: it is not UTF-8");
    byte[] replacement = "a\uFFFDb".getBytes(UTF_8);
    assertThat(ColumnKind.TEXT.value(replacement, 0, replacement.length)).isEqualTo("a\uFFFDb");
  }
}
