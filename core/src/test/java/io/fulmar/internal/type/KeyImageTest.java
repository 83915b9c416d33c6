package io.fulmar.internal.type;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.SpecialValue;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * {@link KeyImage} over fixed images in hex. Proven: which values share an image and which do not,
 * the layout byte by byte (it is stored, so it may not drift), and the way back.
 */
class KeyImageTest {
  private static final String ONE = "00010000000000000001";
  private static final String ONE_00 = "00010000000000020001";
  private static final String ZERO = "0000000000000000";
  private static final String ZERO_000 = "0000000000000003";
  private static final String NAN = "00000000c0000000";
  private static final String INFINITY = "00000000d0000020";
  private static final String MINUS_INFINITY = "00000000f0000020";

  private static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits);
  }

  private static byte[] key(ColumnKind kind, byte[] image) {
    ImageBuffer buffer = new ImageBuffer(0);
    assertThat(KeyImage.append(kind, image, 0, image.length, buffer)).isEqualTo(buffer.length());
    return buffer.toByteArray();
  }

  private static String keyHex(ColumnKind kind, String image) {
    return HexFormat.of().formatHex(key(kind, hex(image)));
  }

  private static Object valueOf(ColumnKind kind, byte[] key) {
    return KeyImage.values(List.of(kind), key, 0, key.length).get(0);
  }

  private static String textOf(ColumnKind kind, byte[] key) {
    return KeyImage.texts(List.of(kind), key, 0, key.length).get(0);
  }

  @Test
  @DisplayName("P9: an integer has one image whatever its width")
  void integerHasOneImageWhateverItsWidth() {
    String minusTwo = "08" + "fffffffffffffffe";
    assertThat(keyHex(ColumnKind.INT2, "fffe")).isEqualTo(minusTwo);
    assertThat(keyHex(ColumnKind.INT4, "fffffffe")).isEqualTo(minusTwo);
    assertThat(keyHex(ColumnKind.INT8, "fffffffffffffffe")).isEqualTo(minusTwo);
    assertThat(valueOf(ColumnKind.INT2, hex(minusTwo))).isEqualTo(-2);
    assertThat(valueOf(ColumnKind.INT4, hex(minusTwo))).isEqualTo(-2);
    assertThat(valueOf(ColumnKind.INT8, hex(minusTwo))).isEqualTo(-2L);
    assertThat(textOf(ColumnKind.INT4, hex(minusTwo))).isEqualTo("-2");
  }

  @Test
  void integerTooLargeForTheNewTypeIsGivenAsLong() {
    byte[] key = key(ColumnKind.INT8, hex("0000000100000000"));
    assertThat(valueOf(ColumnKind.INT4, key)).isEqualTo(4_294_967_296L);
    assertThat(textOf(ColumnKind.INT4, key)).isEqualTo("4294967296");
  }

  @Test
  @DisplayName("P9: a numeric key has no display scale")
  void numericKeyHasNoDisplayScale() {
    assertThat(keyHex(ColumnKind.NUMERIC, ONE)).isEqualTo("06" + "0000" + "0000" + "0001");
    assertThat(keyHex(ColumnKind.NUMERIC, ONE_00)).isEqualTo(keyHex(ColumnKind.NUMERIC, ONE));
    assertThat(keyHex(ColumnKind.NUMERIC, ZERO)).isEqualTo("04" + "0000" + "0000");
    assertThat(keyHex(ColumnKind.NUMERIC, ZERO_000)).isEqualTo(keyHex(ColumnKind.NUMERIC, ZERO));
    assertThat(valueOf(ColumnKind.NUMERIC, key(ColumnKind.NUMERIC, hex(ONE_00))))
        .isEqualTo(BigDecimal.ONE);
    assertThat(valueOf(ColumnKind.NUMERIC, key(ColumnKind.NUMERIC, hex(ZERO_000))))
        .isEqualTo(BigDecimal.ZERO);
  }

  @Test
  void numericZeroGroupsAtTheEndsAreStripped() {
    // 1.5 as 0000 0001 . 5000 0000, zero as 0000 . 0000, and a zero with a minus sign
    assertThat(keyHex(ColumnKind.NUMERIC, "0004" + "0001" + "0000" + "0008" + "0000000113880000"))
        .isEqualTo(keyHex(ColumnKind.NUMERIC, "0002" + "0000" + "0000" + "0001" + "00011388"));
    assertThat(keyHex(ColumnKind.NUMERIC, "0002" + "0000" + "0000" + "0004" + "00000000"))
        .isEqualTo(keyHex(ColumnKind.NUMERIC, ZERO));
    assertThat(keyHex(ColumnKind.NUMERIC, "0000" + "0000" + "4000" + "0000"))
        .isEqualTo(keyHex(ColumnKind.NUMERIC, ZERO));
  }

  @Test
  void numericSpecialValuesHaveImagesOfTheirOwn() {
    assertThat(keyHex(ColumnKind.NUMERIC, NAN)).isEqualTo("04c0000000");
    assertThat(keyHex(ColumnKind.NUMERIC, INFINITY)).isEqualTo("04d0000000");
    assertThat(keyHex(ColumnKind.NUMERIC, MINUS_INFINITY)).isEqualTo("04f0000000");
    assertThat(valueOf(ColumnKind.NUMERIC, hex("04f0000000")))
        .isEqualTo(new SpecialValue("-Infinity"));
    assertThat(textOf(ColumnKind.NUMERIC, hex("04c0000000"))).isEqualTo("NaN");
  }

  @Test
  void numericComesBackWithItsLeastScale() {
    // -12345678.9 and 1e20 and 0.0120
    byte[] negative = key(ColumnKind.NUMERIC, hex("000300014000000104d2162e2328"));
    assertThat(valueOf(ColumnKind.NUMERIC, negative)).isEqualTo(new BigDecimal("-12345678.9"));
    byte[] large = key(ColumnKind.NUMERIC, hex("00010005000000000001"));
    assertThat(textOf(ColumnKind.NUMERIC, large)).isEqualTo("100000000000000000000");
    byte[] small = key(ColumnKind.NUMERIC, hex("0001ffff000000040078"));
    assertThat(textOf(ColumnKind.NUMERIC, small)).isEqualTo("0.012");
  }

  @Test
  @DisplayName("P9: char(n) counts without its blanks, text with them")
  void onlyCharLosesItsBlanks() {
    byte[] padded = " a  ".getBytes(UTF_8);
    assertThat(textOf(ColumnKind.BPCHAR, key(ColumnKind.BPCHAR, padded))).isEqualTo(" a");
    assertThat(textOf(ColumnKind.TEXT, key(ColumnKind.TEXT, padded))).isEqualTo(" a  ");
    assertThat(key(ColumnKind.BPCHAR, "   ".getBytes(UTF_8))).containsExactly(0);
  }

  @Test
  void severalColumnsAreSetApartByTheirLengths() {
    List<ColumnKind> kinds = List.of(ColumnKind.TEXT, ColumnKind.TEXT, ColumnKind.INT4);
    byte[] first = keyOf("a", "bc", 7);
    byte[] second = keyOf("ab", "c", 7);
    assertThat(first).isNotEqualTo(second);
    assertThat(KeyImage.values(kinds, second, 0, second.length)).containsExactly("ab", "c", 7);
    byte[] inside = new byte[second.length + 2];
    System.arraycopy(second, 0, inside, 1, second.length);
    assertThat(KeyImage.texts(kinds, inside, 1, second.length)).containsExactly("ab", "c", "7");
  }

  private static byte[] keyOf(String first, String second, int third) {
    ImageBuffer buffer = new ImageBuffer(1);
    KeyImage.append(ColumnKind.TEXT, first.getBytes(UTF_8), 0, first.length(), buffer);
    KeyImage.append(ColumnKind.TEXT, second.getBytes(UTF_8), 0, second.length(), buffer);
    KeyImage.append(ColumnKind.INT4, new byte[] {0, 0, 0, (byte) third}, 0, 4, buffer);
    return buffer.toByteArray();
  }

  @Test
  void lengthTakesSevenBitsPerByte() {
    for (int length : new int[] {0, 127, 128, 16_383, 16_384, 300_000}) {
      byte[] image = new byte[length];
      Arrays.fill(image, (byte) 'x');
      byte[] key = key(ColumnKind.TEXT, image);
      int extra = length < 128 ? 1 : length < 16_384 ? 2 : 3;
      assertThat(key).hasSize(length + extra);
      assertThat((String) valueOf(ColumnKind.TEXT, key)).hasSize(length);
    }
    assertThat(Arrays.copyOf(key(ColumnKind.TEXT, new byte[300]), 2)).isEqualTo(hex("ac02"));
  }

  @Test
  void bufferIsUsedAgain() {
    ImageBuffer buffer = new ImageBuffer(64);
    byte[] array = buffer.array();
    for (int i = 0; i < 100; i++) {
      buffer.clear();
      KeyImage.append(ColumnKind.UUID, new byte[16], 0, 16, buffer);
    }
    assertThat(buffer.length()).isEqualTo(17);
    assertThat(buffer.array()).isSameAs(array);
  }

  @Test
  void damagedKeyIsRefused() {
    for (String damaged : List.of("", "05", "0161", "026162", "0261" + "62" + "00", "ffffffffff")) {
      byte[] key = hex(damaged);
      assertThatThrownBy(
              () ->
                  KeyImage.values(
                      List.of(ColumnKind.TEXT, ColumnKind.TEXT, ColumnKind.TEXT),
                      key,
                      0,
                      key.length))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("Cannot decode a key: it is not of these columns");
    }
    byte[] tooLong = hex("016100");
    assertThatThrownBy(() -> KeyImage.texts(List.of(ColumnKind.TEXT), tooLong, 0, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot decode a key: it is not of these columns");
    assertThatThrownBy(() -> KeyImage.value(ColumnKind.INT4, tooLong, 0, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot decode INT4: 3 bytes are no image of it");
  }

  @Test
  @DisplayName("P9: key types without one image per value are refused, naming the cast")
  void refusedTypesNameTheirCast() {
    assertThat(Arrays.stream(ColumnKind.values()).filter(kind -> !KeyImage.allowed(kind)))
        .containsExactly(
            ColumnKind.FLOAT4,
            ColumnKind.FLOAT8,
            ColumnKind.JSON,
            ColumnKind.TIMETZ,
            ColumnKind.OTHER);
    assertThat(KeyImage.castToWrite(ColumnKind.FLOAT8, "double precision")).isEqualTo("x::numeric");
    assertThat(KeyImage.castToWrite(ColumnKind.FLOAT4, "real")).isEqualTo("x::float8::numeric");
    assertThat(KeyImage.castToWrite(ColumnKind.JSON, "json")).isEqualTo("x::text");
    assertThat(KeyImage.castToWrite(ColumnKind.OTHER, "public.citext")).isEqualTo("lower(x::text)");
    assertThat(KeyImage.castToWrite(ColumnKind.OTHER, "money")).isEqualTo("x::numeric");
    assertThat(KeyImage.castToWrite(ColumnKind.OTHER, "oid")).isEqualTo("x::int8");
    assertThat(KeyImage.castToWrite(ColumnKind.OTHER, "integer[]")).isEqualTo("x::text");
    assertThat(KeyImage.castToWrite(ColumnKind.TEXT, "text")).isEqualTo("x collate \"C\"");
    assertThatThrownBy(() -> KeyImage.castToWrite(ColumnKind.INT4, "integer"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot name a cast: INT4 is a key");
  }

  @Test
  void refusedTypesAndNullAreNotAppended() {
    ImageBuffer buffer = new ImageBuffer(16);
    assertThatThrownBy(() -> KeyImage.append(ColumnKind.FLOAT8, new byte[8], 0, 8, buffer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot append a key column: FLOAT8 is no key");
    assertThatThrownBy(() -> KeyImage.append(ColumnKind.TEXT, new byte[8], 0, -1, buffer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot append a key column: NULL is no key");
    assertThat(buffer.length()).isZero();
  }
}
