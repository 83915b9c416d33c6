package io.fulmar.verify.destination;

import static io.fulmar.verify.destination.TableFixture.RUN;
import static io.fulmar.verify.destination.TableFixture.verdicts;
import static io.fulmar.verify.destination.TableFixture.write;
import static io.fulmar.verify.destination.ValueRow.change;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.JsonLinesDestination;
import io.fulmar.JsonLinesDestination.Field;
import io.fulmar.JsonNumbers;
import io.fulmar.Operation;
import io.fulmar.SpecialValue;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Writer;
import io.fulmar.verify.fault.ForkedJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A file in an empty directory, read back by a parser that is not the writer: what lines hold, what
 * is left of a batch after a crash at any byte, and who may write.
 */
@SuppressWarnings("try") // close() of a writer may be interrupted
class JsonLinesDestinationTest {
  private static final ObjectMapper READER = JsonRecords.reader();

  @TempDir Path directory;

  private Path path;

  @BeforeEach
  void choosePath() {
    path = directory.resolve("customers.jsonl");
  }

  private JsonLinesDestination.Builder into() {
    return JsonLinesDestination.builder(path);
  }

  /** Every line as an object; fails on half a line, and on one that is none. */
  private static List<JsonNode> lines(Path file) throws IOException {
    String text = Files.readString(file, UTF_8);
    assertThat(text)
        .satisfiesAnyOf(t -> assertThat(t).isEmpty(), t -> assertThat(t).endsWith("\n"));
    List<JsonNode> lines = new ArrayList<>();
    for (String line : text.split("\n", -1)) {
      if (!line.isEmpty()) {
        JsonNode node = READER.readTree(line);
        assertThat(node.isObject()).isTrue();
        lines.add(node);
      }
    }
    return lines;
  }

  private static Change upsert(long id, Object value) {
    return change(Operation.ADDED, 1, "id", id, "v", value);
  }

  private JsonNode written(JsonLinesDestination destination, Object value) throws Exception {
    write(destination, Action.UPSERT, upsert(1, value));
    List<JsonNode> lines = lines(path);
    return lines.get(lines.size() - 1).get("row").get("v");
  }

  @Test
  void lineHasWhatAReaderNeeds() throws Exception {
    Change added = change(Operation.ADDED, 8, "id", 1, "email", "ada@example.org");
    Change removed = change(Operation.REMOVED, 9, "id", 2);
    write(into().build(), Action.UPSERT, added);
    write(into().build(), Action.DELETE, removed);
    assertThat(Files.readString(path))
        .isEqualTo(
            """
            {"more":0,"action":"UPSERT","operation":"ADDED","changeId":"%s","sequence":8,"key":{"id":1},"row":{"id":1,"email":"ada@example.org"}}
            {"more":0,"action":"DELETE","operation":"REMOVED","changeId":"%s","sequence":9,"key":{"id":2},"row":{"id":2}}
            """
                .formatted(added.changeId(), removed.changeId()));
  }

  @Test
  void fieldsAreChosenAndOrdered() throws Exception {
    write(
        into().fields(Field.ROW, Field.SYNC, Field.RUN, Field.ATTEMPT).build(),
        Action.UPSERT,
        upsert(1, "a"),
        upsert(2, "b"));
    assertThat(Files.readString(path))
        .isEqualTo(
            """
            {"more":1,"row":{"id":1,"v":"a"},"sync":"crm","run":7,"attempt":1}
            {"more":0,"row":{"id":2,"v":"b"},"sync":"crm","run":7,"attempt":1}
            """);
  }

  @Test
  @DisplayName(
      "J-11: numbers keep every digit, or become strings where a double would not hold them")
  void numbersKeepEveryDigit() throws Exception {
    JsonLinesDestination exact = into().build();
    JsonLinesDestination safe = into().numbers(JsonNumbers.SAFE).build();
    List<Object> unsafe =
        List.of(
            9007199254740993L,
            -9007199254740993L,
            Long.MAX_VALUE,
            Long.MIN_VALUE,
            new BigDecimal("9007199254740993"),
            new BigDecimal("0.1234567890123456789"),
            new BigDecimal("1" + "0".repeat(400)));
    for (Object number : unsafe) {
      JsonNode node = written(exact, number);
      assertThat(node.isNumber()).isTrue();
      assertThat(node.decimalValue()).isEqualTo(new BigDecimal(number.toString()));
      assertThat(written(safe, number).textValue()).isEqualTo(number.toString());
    }
    List<Object> held =
        List.of(
            0,
            -1,
            Integer.MIN_VALUE,
            9007199254740991L,
            new BigDecimal("1.00"),
            new BigDecimal("0.1"),
            1.5e300,
            4.9e-324,
            0.1f);
    for (Object number : held) {
      for (JsonLinesDestination destination : List.of(exact, safe)) {
        JsonNode node = written(destination, number);
        assertThat(node.isNumber()).isTrue();
        assertThat(node.decimalValue().doubleValue())
            .isEqualTo(new BigDecimal(number.toString()).doubleValue());
      }
    }
    assertThat(written(exact, new BigDecimal("1.00")).decimalValue().scale()).isEqualTo(2);
    written(exact, -0.0); // READER makes 0 of it, so the line itself is looked at
    assertThat(Files.readString(path)).contains("\"v\":-0}");
  }

  @Test
  @DisplayName("J-11: NaN and infinities are strings")
  void notANumberIsAString() throws Exception {
    Map<Object, String> texts = new LinkedHashMap<>();
    texts.put(Double.NaN, "NaN");
    texts.put(Double.POSITIVE_INFINITY, "Infinity");
    texts.put(Float.NEGATIVE_INFINITY, "-Infinity");
    texts.put(Float.NaN, "NaN");
    texts.put(new SpecialValue("NaN"), "NaN");
    texts.put(new SpecialValue("infinity"), "infinity");
    for (JsonNumbers numbers : JsonNumbers.values()) {
      for (Map.Entry<Object, String> entry : texts.entrySet()) {
        assertThat(written(into().numbers(numbers).build(), entry.getKey()).textValue())
            .isEqualTo(entry.getValue());
      }
    }
  }

  @Test
  @DisplayName("J-11: a text comes back as it was, whatever is in it, and a line stays a line")
  void anyTextComesBack() throws Exception {
    JsonLinesDestination destination = into().build();
    List<String> texts =
        List.of(
            "",
            " ",
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(1)",
            "a\nb\r\nc\rd\u2028e\u2029f\u0085g",
            "\"quoted\" \\ / \b\f\t\u0001\u001f\u007f",
            "\u0000",
            "g\u00fcnther \u4e2d\u6587 \ud83d\ude00 e\u0301 \u202e \ufeff \uffff \ufffd",
            "null",
            "x".repeat(1_000_000));
    for (String text : texts) {
      assertThat(written(destination, text).textValue()).isEqualTo(text);
    }
    assertThat(lines(path)).hasSize(texts.size());
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.println("texts of seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(50); i > 0; i--) {
        int point = random.nextInt(Character.MAX_CODE_POINT + 1);
        text.appendCodePoint(point >= 0xD800 && point < 0xE000 ? '\n' : point);
      }
      assertThat(written(destination, text.toString()).textValue())
          .as("seed %d", seed)
          .isEqualTo(text.toString());
    }
  }

  @Test
  @DisplayName("J-11: a row with half a surrogate pair is rejected by name, the others pass")
  void halfASurrogatePairIsRejected() throws Exception {
    Change[] changes = {
      upsert(1, "a"),
      upsert(2, "x\ud800"),
      upsert(3, "\udc00x"),
      upsert(4, "\ude00\ud83d"),
      upsert(5, List.of("\ud800y")),
      upsert(6, Map.of("\ud800", 1)),
      upsert(7, "\ud83d\ude00")
    };
    Delivery delivery = write(into().build(), Action.UPSERT, changes);
    String code = "FULMAR_VALUE_WITHOUT_FORM";
    assertThat(verdicts(delivery, changes))
        .containsExactly("accepted", code, code, code, code, code, "accepted");
    assertThat(lines(path))
        .extracting(line -> line.get("key").get("id").asInt())
        .containsExactly(1, 7);
    assertThat(lines(path)).extracting(line -> line.get("more").asInt()).containsExactly(1, 0);
    assertThat(delivery.answers().get(0).verdict())
        .isEqualTo(
            new io.fulmar.spi.Verdict.Rejected(
                code,
                "column v holds half a surrogate pair, which no line can hold",
                io.fulmar.spi.Verdict.Retry.NEXT_RUN));
  }

  @Test
  @DisplayName("J-11: every documented type has its form")
  void everyTypeHasItsForm() throws Exception {
    JsonLinesDestination destination = into().build();
    assertThat(written(destination, true)).isEqualTo(READER.readTree("true"));
    assertThat(written(destination, null).isNull()).isTrue();
    assertThat(written(destination, new byte[] {0, 1, (byte) 0xff}).textValue())
        .isEqualTo("\\x0001ff");
    assertThat(written(destination, LocalDate.of(2026, 2, 3)).textValue()).isEqualTo("2026-02-03");
    assertThat(written(destination, LocalDate.of(-43, 3, 15)).textValue())
        .isEqualTo("0044-03-15 BC");
    assertThat(written(destination, LocalTime.of(23, 5)).textValue()).isEqualTo("23:05:00");
    assertThat(written(destination, LocalDateTime.of(2026, 2, 3, 4, 5, 6, 700_000)).textValue())
        .isEqualTo("2026-02-03T04:05:06.0007");
    assertThat(
            written(destination, OffsetDateTime.of(2026, 2, 3, 4, 5, 6, 0, ZoneOffset.UTC))
                .textValue())
        .isEqualTo("2026-02-03T04:05:06Z");
    assertThat(
            written(destination, OffsetDateTime.of(12026, 2, 3, 4, 5, 6, 0, ZoneOffset.UTC))
                .textValue())
        .isEqualTo("12026-02-03 04:05:06+00");
    UUID uuid = UUID.randomUUID();
    assertThat(written(destination, uuid).textValue()).isEqualTo(uuid.toString());
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("a", Arrays.asList(1, null, List.of(new BigDecimal("9007199254740993.10"))));
    map.put("", new SpecialValue("infinity"));
    map.put("b", Collections.singletonMap("c", LocalDate.of(2026, 1, 1)));
    map.put("d", BigInteger.TEN.pow(30));
    assertThat(written(destination, map))
        .isEqualTo(
            READER.readTree(
                """
                {"a": [1, null, [9007199254740993.10]], "": "infinity", "b": {"c": "2026-01-01"},
                 "d": 1000000000000000000000000000000}
                """));
  }

  @Test
  void jsonColumnsGoInAsJson() throws Exception {
    JsonLinesDestination destination = into().jsonColumns("v").build();
    String json =
        "{ \"a\" : [1.00, 1e400, 9007199254740993,\n null, true], \"b\\n\": {\"\u00fc\": \"\\ud83d\\ude00\"} }";
    assertThat(written(destination, json)).isEqualTo(READER.readTree(json));
    assertThat(Files.readString(path)).contains("[1.00,1e400,9007199254740993,null,true]");
    String deep = "[".repeat(5_000) + "]".repeat(5_000);
    write(destination, Action.UPSERT, upsert(1, deep));
    assertThat(Files.readString(path)).contains(deep);
    Change[] changes = {
      upsert(1, "{\"a\":"),
      upsert(2, "1 2"),
      upsert(3, ""),
      upsert(4, "{} x"),
      upsert(5, "7"),
      upsert(6, "secret-value"),
      upsert(7, "\"\\ud800\"")
    };
    Delivery delivery = write(destination, Action.UPSERT, changes);
    assertThat(verdicts(delivery, changes))
        .containsExactlyElementsOf(
            Arrays.stream(changes)
                .map(c -> "7".equals(c.row().text("v")) ? "accepted" : "FULMAR_VALUE_WITHOUT_FORM")
                .toList());
    assertThat(delivery.answers().toString())
        .contains("column v is not JSON")
        .doesNotContain("secret");
  }

  private static byte[] batch(int first, int rows) throws Exception {
    Path scratch = Files.createTempFile("lines", ".jsonl");
    try {
      Change[] changes = new Change[rows];
      for (int i = 0; i < rows; i++) {
        changes[i] = upsert(first + i, "value " + (first + i));
      }
      write(
          JsonLinesDestination.builder(scratch).fields(Field.ROW).build(), Action.UPSERT, changes);
      return Files.readAllBytes(scratch);
    } finally {
      for (String suffix : List.of("", ".lock", ".lock.jvm")) {
        Files.deleteIfExists(Path.of(scratch + suffix));
      }
    }
  }

  private static byte[] joined(byte[] first, byte[] second, int ofSecond) {
    byte[] all = Arrays.copyOf(first, first.length + ofSecond);
    System.arraycopy(second, 0, all, first.length, ofSecond);
    return all;
  }

  @Test
  @DisplayName(
      "P1: what a crash at any byte leaves of a batch is cut off, and what was accepted stays")
  void crashAtAnyByteIsMended() throws Exception {
    byte[] one = batch(1, 2);
    byte[] two = batch(10, 3);
    byte[] next = batch(20, 1);
    int mended = 0;
    for (byte[] before : List.of(new byte[0], one)) {
      for (int length = 0; length <= two.length; length++) {
        Files.write(path, joined(before, two, length));
        write(into().fields(Field.ROW).build(), Action.UPSERT, upsert(20, "value 20"));
        byte[] kept = length == two.length ? joined(before, two, length) : before;
        assertThat(Files.readAllBytes(path))
            .as("%d bytes of the batch behind %d", length, before.length)
            .isEqualTo(joined(kept, next, next.length));
        mended++;
      }
    }
    assertThat(mended).isGreaterThan(200);
  }

  @Test
  @DisplayName("P1: a batch that the file system kept the size of, and not all bytes, is cut off")
  void zerosAreCutOff() throws Exception {
    byte[] one = batch(1, 2);
    byte[] two = batch(10, 3);
    byte[] next = batch(20, 1);
    for (int from = 0; from < two.length; from += 7) {
      byte[] torn = joined(one, two, two.length);
      Arrays.fill(torn, one.length + from, torn.length, (byte) 0);
      Files.write(path, torn);
      write(into().fields(Field.ROW).build(), Action.UPSERT, upsert(20, "value 20"));
      assertThat(Files.readAllBytes(path))
          .as("zeros from %d", from)
          .isEqualTo(joined(one, next, next.length));

      byte[] hole = joined(one, two, two.length);
      int to = Math.min(from + 5, two.length - 60);
      if (from < to) {
        Arrays.fill(hole, one.length + from, one.length + to, (byte) 0);
        Files.write(path, hole);
        write(into().fields(Field.ROW).build(), Action.UPSERT, upsert(20, "value 20"));
        assertThat(Files.readAllBytes(path))
            .as("hole at %d", from)
            .isEqualTo(joined(one, next, next.length));
      }
    }
  }

  @Test
  void fileOfSomebodyElseIsLeftAlone() throws Exception {
    String own = new String(batch(1, 2), UTF_8);
    for (String text :
        List.of("{\"id\":1}\n", "{\"id\":1}", "id,name\n1,Ada\n", "\n", "{\"more\":x}\n")) {
      for (String content : List.of(text, own + text)) {
        Files.writeString(path, content);
        assertThatThrownBy(() -> write(into().build(), Action.UPSERT, upsert(1, "a")))
            .as(content)
            .isExactlyInstanceOf(StopRunException.class)
            .hasMessageStartingWith("Cannot write to " + path + ": ")
            .hasMessageContaining("not written by Fulmar")
            .hasMessageEndingWith(". Move it away, or write to another.");
        assertThatThrownBy(() -> into().build().clear(RUN))
            .isExactlyInstanceOf(StopRunException.class);
        assertThat(Files.readString(path)).isEqualTo(content);
      }
    }
  }

  @Test
  void damageBeforeTheLastBatchIsNotCutOff() throws Exception {
    byte[] one = batch(1, 2);
    byte[] all = joined(one, batch(10, 3), 40);
    all[one.length - 10] = 0;
    Files.write(path, all);
    assertThatThrownBy(() -> write(into().build(), Action.UPSERT, upsert(1, "a")))
        .isExactlyInstanceOf(StopRunException.class)
        .hasMessageContaining("a batch before its last one is damaged");
    assertThat(Files.readAllBytes(path)).isEqualTo(all);
  }

  @Test
  @DisplayName("P1: a killed writer leaves every accepted change, and whole lines once it goes on")
  void killedWriterLosesNothing() throws Exception {
    List<Long> accepted = new ArrayList<>();
    for (int kill = 1; kill <= 3; kill++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xshare:auto",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  EndlessWriter.class.getName(),
                  path.toString(),
                  Integer.toString(kill))
              .redirectError(directory.resolve("errors").toFile())
              .start();
      try (BufferedReader out =
          new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
        for (int i = 0; i < 20 * kill; i++) {
          String line = out.readLine();
          assertThat(line).as("%s", Files.readString(directory.resolve("errors"))).isNotNull();
          accepted.add(Long.parseLong(line));
        }
        process.toHandle().destroyForcibly(); // that of Process closes the stream, too
        process.waitFor();
        // What it said before it died counts, too; its last line may be half of one.
        List<String> rest = out.lines().toList();
        rest.subList(0, Math.max(0, rest.size() - 1)).forEach(l -> accepted.add(Long.parseLong(l)));
      }
    }
    write(into().build(), Action.UPSERT, upsert(-1, "last"));
    Set<Long> found = new HashSet<>();
    for (JsonNode line : lines(path)) {
      found.add(line.get("key").get("id").asLong());
    }
    for (long batch : accepted) {
      for (int i = 0; i < EndlessWriter.ROWS; i++) {
        assertThat(found.contains(batch * EndlessWriter.ROWS + i)).isTrue();
      }
    }
    System.out.printf(
        "killed 3 times: %d batches accepted, %d lines%n", accepted.size(), found.size());
  }

  /** Writes batch after batch and says the number of each one that was accepted. */
  static final class EndlessWriter {
    static final int ROWS = 50;

    private EndlessWriter() {}

    public static void main(String[] args) throws Exception {
      try (Writer writer = JsonLinesDestination.builder(Path.of(args[0])).build().open(RUN)) {
        for (long batch = Long.parseLong(args[1]) * 1_000_000; ; batch++) {
          Change[] changes = new Change[ROWS];
          for (int i = 0; i < ROWS; i++) {
            changes[i] = upsert(batch * ROWS + i, "x".repeat(300));
          }
          write(writer, Action.UPSERT, changes);
          System.out.println(batch);
        }
      }
    }
  }

  @Test
  void fileIsOfItsOwnerAloneUnlessAsked() throws Exception {
    write(into().build(), Action.UPSERT, upsert(1, "a"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .isEqualTo("rw-------");
    path = directory.resolve("shared.jsonl");
    write(
        into().permissions(PosixFilePermissions.fromString("rw-r-----")).build(),
        Action.UPSERT,
        upsert(1, "a"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .isEqualTo("rw-r-----");
  }

  @Test
  void writerWaitsForAnotherOne() throws Exception {
    for (String lock : List.of("customers.jsonl.lock", "customers.jsonl.lock.jvm")) {
      try (FileChannel other =
          FileChannel.open(
              directory.resolve(lock), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        assertThat(other.lock()).isNotNull();
        assertThatThrownBy(() -> write(into().build(), Action.UPSERT, upsert(1, "a")))
            .isExactlyInstanceOf(NotAppliedException.class)
            .hasMessage("another writer is at work on " + path + ", which it has locked");
      }
    }
    assertThat(path).doesNotExist();
    write(into().build(), Action.UPSERT, upsert(1, "a"));
    assertThat(lines(path)).hasSize(1);
  }

  @Test
  void writersOfOneFileTakeTurns() throws Exception {
    try (Writer one = into().build().open(RUN);
        Writer two = into().build().open(RUN)) {
      for (int i = 0; i < 20; i++) {
        write(i % 2 == 0 ? one : two, Action.UPSERT, upsert(i, "a"), upsert(i + 100, "b"));
        if (i == 7) {
          Files.write(path, "{\"more\":3,\"half".getBytes(UTF_8), StandardOpenOption.APPEND);
        }
      }
    }
    assertThat(lines(path)).hasSize(40);
  }

  @Test
  void largeFileIsMovedAside() throws Exception {
    JsonLinesDestination destination = into().rotateBytes(400).build();
    for (int i = 0; i < 12; i++) {
      write(destination, Action.UPSERT, upsert(i, "v"));
    }
    List<Integer> ids = new ArrayList<>();
    int files = 0;
    for (String suffix : List.of(".000001", ".000002", ".000003", "")) {
      Path file = Path.of(path + suffix);
      for (JsonNode line : Files.exists(file) ? lines(file) : List.<JsonNode>of()) {
        ids.add(line.get("key").get("id").asInt());
      }
      files += Files.exists(file) ? 1 : 0;
    }
    assertThat(files).isGreaterThan(2);
    assertThat(ids).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    destination.clear(RUN);
    assertThat(lines(path)).isEmpty();
    assertThat(Path.of(path + ".000001")).doesNotExist();
    assertThat(Path.of(path + ".000002")).doesNotExist();
  }

  @Test
  void missingDirectoryStopsTheRun() {
    path = directory.resolve("missing/customers.jsonl");
    assertThatThrownBy(() -> write(into().build(), Action.UPSERT, upsert(1, "a")))
        .isExactlyInstanceOf(StopRunException.class)
        .hasMessage(
            "Cannot write to %s: there is no directory %s. Create it."
                .formatted(path, path.getParent()));
  }

  @Test
  @DisplayName("P1: a full disk leaves the file as it was, and nothing counts as applied")
  void fullDiskIsUndone() throws Exception {
    ForkedJvm.End end =
        ForkedJvm.run(
            directory.resolve("output"),
            List.of("-XX:TieredStopAtLevel=1"),
            LimitedWriter.class,
            List.of(path.toString()));
    assertThat(end.output())
        .isEqualTo(
            "accepted\nCannot append to %s: the system took not all of it, which was undone. Is the disk full?\n"
                .formatted(path));
    assertThat(lines(path)).hasSize(1);
  }

  /** Writes to a device that takes so many bytes and no more. */
  static final class LimitedWriter {
    private LimitedWriter() {}

    public static void main(String[] args) throws Exception {
      // A limit on the size of files stands in for a disk that is full: the call fails half-way.
      new ProcessBuilder("prlimit", "--fsize=100000", "--pid", "" + ProcessHandle.current().pid())
          .inheritIO()
          .start()
          .waitFor();
      try (Writer writer = JsonLinesDestination.builder(Path.of(args[0])).build().open(RUN)) {
        write(writer, Action.UPSERT, upsert(1, "a"));
        System.out.println("accepted");
        write(writer, Action.UPSERT, upsert(2, "b"), upsert(3, "x".repeat(200_000)));
        System.out.println("accepted");
      } catch (NotAppliedException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void interruptedWriterLeavesWhatTheNextOneMends() throws Exception {
    write(into().build(), Action.UPSERT, upsert(1, "a"));
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> write(into().build(), Action.UPSERT, upsert(2, "b")))
        .isInstanceOf(ClosedByInterruptException.class);
    assertThat(Thread.interrupted()).isTrue();
    write(into().build(), Action.UPSERT, upsert(3, "c"));
    assertThat(lines(path)).extracting(line -> line.get("key").get("id").asInt()).contains(1, 3);
  }

  @Test
  void identityIsTheAbsolutePath() {
    assertThat(into().build().identity()).isEqualTo("jsonl:" + path.toAbsolutePath());
    assertThat(JsonLinesDestination.builder(Path.of("a/../x.jsonl")).build().identity())
        .isEqualTo("jsonl:" + Path.of("x.jsonl").toAbsolutePath());
    assertThat(into().build().capabilities().actions()).isEqualTo(Set.of(Action.values()));
    assertThatThrownBy(() -> into().fields())
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("fields must be at least one, each of them once");
    assertThatThrownBy(() -> into().permissions(Set.of()))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("permissions must let the owner read and write");
  }
}
