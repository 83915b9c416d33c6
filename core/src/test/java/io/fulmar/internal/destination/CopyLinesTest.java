package io.fulmar.internal.destination;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.sql.SQLException;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.postgresql.copy.CopyIn;
import org.postgresql.util.ByteStreamWriter;

/**
 * Lines of COPY's text format, as far as a connection that only notes what it is sent: what is
 * escaped, what is no text, and that lines are the same whether they are kept or sent once.
 */
class CopyLinesTest {
  private final Sent sent = new Sent();

  @Test
  void valuesAreEscapedWhereTheyMustBe() throws SQLException {
    CopyLines lines = CopyLines.kept(2);
    line(lines, "a\\b", "\t\n\r", null, "");
    line(lines, "Zürich\t€", "\b\u0001\u007f", "?", "𝔘\\");
    lines.sendRest(sent);
    assertThat(sent.text())
        .isEqualTo("a\\\\b\t\\t\\n\\r\t\\N\t\nZürich\\t€\t\b\u0001\u007f\t?\t𝔘\\\\\n");
  }

  @Test
  void emptyValueInFrontIsAValue() throws SQLException {
    CopyLines lines = CopyLines.sentOnce();
    line(lines, "", "x");
    line(lines, "", "", "");
    line(lines, "");
    lines.sendRest(sent);
    assertThat(sent.text()).isEqualTo("\tx\n\t\t\n\n");
  }

  @Test
  void halfASurrogatePairIsNoText() throws SQLException {
    CopyLines lines = CopyLines.sentOnce();
    assertThat(line(lines, "1", "plain, then \ud835")).isFalse();
    assertThat(line(lines, "2", "\udd18")).isFalse();
    assertThat(line(lines, "3", "𝔘?")).isTrue();
    lines.sendRest(sent);
    assertThat(sent.text()).isEqualTo("3\t𝔘?\n");
  }

  @Test
  void linesSentOnceAreThoseThatAreKept() throws SQLException {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    CopyLines kept = CopyLines.kept(4_000);
    CopyLines once = CopyLines.sentOnce();
    Sent other = new Sent();
    Random random = new Random(seed);
    for (int i = 0; i < 4_000; i++) {
      String value =
          random
              .ints(random.nextInt(200), 1, 300)
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString();
      line(kept, Integer.toString(i), value);
      line(once, Integer.toString(i), value);
      kept.sendPieces(sent);
      once.sendPieces(other);
    }
    kept.sendRest(sent);
    once.sendRest(other);
    assertThat(sent.text().length()).isGreaterThan(4 * (64 << 10)); // several pieces
    assertThat(other.text().equals(sent.text())).isTrue();
    Sent again = new Sent();
    kept.send(again, 0, 1_000);
    kept.send(again, 1_000, 4_000);
    assertThat(again.text().equals(sent.text())).isTrue();
  }

  private static boolean line(CopyLines lines, @Nullable String... values) {
    for (String value : values) {
      lines.value(value);
    }
    return lines.end();
  }

  /** Notes what it is sent, and can do nothing else. */
  private static final class Sent implements CopyIn {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    String text() {
      return bytes.toString(UTF_8);
    }

    @Override
    public void writeToCopy(byte[] buffer, int from, int length) {
      bytes.write(buffer, from, length);
    }

    @Override
    public void writeToCopy(ByteStreamWriter from) {
      throw new AssertionError("lines are sent as bytes");
    }

    @Override
    public void flushCopy() {
      throw new AssertionError("not asked for");
    }

    @Override
    public long endCopy() {
      throw new AssertionError("not asked for");
    }

    @Override
    public int getFieldCount() {
      throw new AssertionError("not asked for");
    }

    @Override
    public int getFormat() {
      throw new AssertionError("not asked for");
    }

    @Override
    public int getFieldFormat(int field) {
      throw new AssertionError("not asked for");
    }

    @Override
    public boolean isActive() {
      throw new AssertionError("not asked for");
    }

    @Override
    public void cancelCopy() {
      throw new AssertionError("not asked for");
    }

    @Override
    public long getHandledRowCount() {
      throw new AssertionError("not asked for");
    }
  }
}
