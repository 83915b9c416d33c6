package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.HoldKind;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.SyncMode;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.Outcome.Kind;
import io.fulmar.internal.type.ArrayType;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.CompositeType;
import io.fulmar.internal.type.MultirangeType;
import io.fulmar.internal.type.RangeType;
import io.fulmar.internal.type.ScalarType;
import io.fulmar.internal.type.ValueType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written comes back: random data through each of the files and tables of a state. */
class FormatsTest {
  @TempDir Path temporary;

  private StateDirectory directory =
      new StateDirectory(Path.of("nowhere"), "crm"); // replaced before each test

  @BeforeEach
  void makeTheDirectory() throws IOException {
    directory = new StateDirectory(new FaultyDisk(FileSystems.getDefault()).path(temporary), "crm");
    directory.make();
  }

  private static Random random(String what) {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.println("FormatsTest, " + what + ": seed " + seed);
    return new Random(seed);
  }

  private static byte[] bytes(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void syncFileComesBackWithAnyText() throws Exception {
    SyncFile file = new SyncFile();
    file.sync = "crm";
    file.destination =
        " leading blank, = : # ! \\ tab\t line\r\nfeed\f\u0000\u007f\u2028 ä \ud83d\ude00";
    file.incarnation = "0123";
    file.secret = "\\u0041 \\n";
    file.key = "id integer, na=me text";
    file.fingerprint = "canonical form 1\nkey [id]\nid\0bigint\0";
    file.mode = SyncMode.UPDATE;
    file.removal = Removal.CLEAR;
    file.generation = 7;
    file.keys = Long.MAX_VALUE;
    file.live = 3;
    file.unsure = 4;
    for (HoldKind kind : HoldKind.values()) {
      file.holds.put(kind, kind.ordinal() + 10L);
    }
    file.run = 1_768_471_200_000L;
    file.foldedRun = 5;
    file.version = 6;
    file.lastStatus = RunStatus.INTERRUPTED;
    file.lastEndedAt = Instant.parse("2026-01-15T10:00:00.123456789Z");
    file.lastSuccessAt = Instant.EPOCH;
    file.failuresInARow = 8;
    file.upToDateAsOf = Instant.parse("2026-01-15T09:00:00Z");
    file.system = -1;
    file.database = "we\"ird=\u00e4";
    file.timeline = 3;
    file.position = Long.MIN_VALUE;
    file.keptPlan = 9;
    file.unfolded = 11;
    file.write(directory);
    SyncFile read = SyncFile.read(directory.syncFile());
    assertThat(read).usingRecursiveComparison().isEqualTo(file);
  }

  @Test
  void shapesComeBackWithTheirTypes() throws Exception {
    ValueType pairs =
        new ArrayType(
            new CompositeType(
                List.of("a", "b c:;<"),
                List.of(
                    new RangeType(ScalarType.DATE),
                    new MultirangeType(new RangeType(ScalarType.INTEGER)))),
            ';');
    Shape shape =
        Shape.of(
            List.of("id", "pairs", "other"),
            List.of(ColumnKind.INT8, ColumnKind.OTHER, ColumnKind.OTHER),
            List.of(ScalarType.LONG, pairs, ScalarType.UNMAPPED),
            List.of(1, 0, 2));
    assertThat(throughAFile(out -> PlanHead.putShape(out, shape))).isEqualTo(shape);
  }

  @Test
  void shapeOfAnOlderFileGivesTexts() throws Exception {
    Shape read =
        throughAFile(
            out -> {
              out.putVarint(1);
              out.putString("ids");
              out.putString("OTHER");
              out.putVarint(0);
            });
    assertThat(read.types()).containsExactly(ScalarType.UNMAPPED);
  }

  private interface Writing {
    void to(FileOut out) throws IOException;
  }

  private Shape throughAFile(Writing writing) throws IOException {
    Path file = temporary.resolve("shape");
    try (FileOut out = new FileOut(directory.create(file))) {
      writing.to(out);
      out.force();
    }
    try (SteadyChannel channel = SteadyChannel.reading(file)) {
      FileIn in = new FileIn(channel);
      in.section(0, channel.size());
      Shape shape = PlanHead.getShape(in);
      assertThat(in.hasMore()).isFalse();
      return shape;
    }
  }

  @Test
  void keysAreNumberedInTheOrderInWhichTheyComeFirst() {
    Random random = random("keys");
    KeyTable table = new KeyTable();
    for (int round = 0; round < 3; round++) {
      table.clear();
      Map<ByteBuffer, Integer> known = new HashMap<>();
      for (int i = 0; i < 20_000; i++) {
        byte[] key = bytes(random, random.nextInt(3) == 0 ? 0 : random.nextInt(4));
        // Few hashes, so that slots are shared.
        long hash = round == 0 ? Partitions.hash(key, 0, key.length) : Arrays.hashCode(key) % 5;
        Integer number = known.get(ByteBuffer.wrap(key));
        assertThat(table.find(hash, key, 0, key.length)).isEqualTo(number == null ? -1 : number);
        if (number == null && known.size() < (round == 0 ? 20_000 : 500)) {
          number = known.size();
          known.put(ByteBuffer.wrap(key), number);
          assertThat(table.add(hash, key, 0, key.length)).isEqualTo(number);
        }
      }
      assertThat(table.size()).isEqualTo(known.size());
      known.forEach(
          (key, number) -> {
            int start = table.start(number);
            assertThat(Arrays.copyOfRange(table.arena(), start, start + table.length(number)))
                .isEqualTo(key.array());
          });
    }
  }

  @Test
  @DisplayName("P1: the filter pairs every accepted version once, and hardly any other")
  void filterPairsEveryAcceptedVersionOnce() throws Exception {
    Random random = random("filter");
    List<long[]> versions = new ArrayList<>();
    for (int partition = 0; partition < Partitions.COUNT; partition++) {
      int count = partition == 3 ? 2_000 : random.nextInt(20);
      for (int i = 0; i < count; i++) {
        // Versions that begin alike meet in one slot, and a tag of zero is a case of its own.
        long high = partition == 3 ? random.nextInt() : random.nextLong();
        long low = i == 7 ? 0 : random.nextLong();
        versions.add(new long[] {partition, high, low});
      }
    }
    try (StateFile state = state(random, versions)) {
      TagFilter filter = TagFilter.of(state, 1 << 20);
      assertThat(filter).isNotNull();
      int errs = 0;
      for (int i = 0; i < 100_000; i++) {
        errs += filter.pair(random.nextInt(256), random.nextLong(), random.nextLong()) ? 1 : 0;
      }
      assertThat(errs).isZero();
      for (long[] version : versions) {
        assertThat(filter.pair((int) version[0], version[1], version[2])).isTrue();
        assertThat(filter.pair((int) version[0], version[1], version[2])).as("again").isFalse();
      }
      for (int partition = 0; partition < Partitions.COUNT; partition++) {
        long count = state.keys(partition);
        assertThat(filter.areAllPaired(partition, count)).isTrue();
        assertThat(filter.areAllPaired(partition, count + 1)).isFalse();
      }
      assertThat(TagFilter.of(state, 1_000)).as("more than it may use").isNull();
    }
  }

  @Test
  @DisplayName("P1: versions that the filter cannot tell apart are paired with no row")
  void filterPairsNothingThatItCannotTellApart() throws Exception {
    Random random = random("shared");
    long one = 0x0123_4567_89ab_cdefL;
    long other = 0x89ab_cdef_0123_4567L; // the same when its halves are exclusive-or'ed
    try (StateFile state =
        state(random, List.of(new long[] {5, 77, one}, new long[] {5, 77, other}))) {
      TagFilter filter = TagFilter.of(state, 1 << 20);
      assertThat(filter).isNotNull();
      assertThat(filter.pair(5, 77, one)).isFalse();
      assertThat(filter.pair(5, 77, other)).isFalse();
      assertThat(filter.isPaired(5, 77, one)).isFalse();
      assertThat(filter.isPaired(5, 77, other)).isFalse();
      assertThat(filter.isRight(5)).as("both are known to be in no pair").isTrue();
    }
  }

  @Test
  @DisplayName("P1: a row that is paired with a version it is not of is found out")
  void wrongPairIsFoundOut() throws Exception {
    long accepted = 0x0123_4567_89ab_cdefL;
    long changed = 0x89ab_cdef_0123_4567L;
    try (StateFile state = state(random("wrong"), List.of(new long[] {5, 77, accepted}))) {
      TagFilter filter = TagFilter.of(state, 1 << 20);
      assertThat(filter).isNotNull();
      assertThat(filter.pair(5, 77, changed)).isTrue();
      assertThat(filter.areAllPaired(5, 1)).isFalse();
      assertThat(filter.isPaired(5, 77, accepted)).isTrue();
      assertThat(filter.isRight(5)).isFalse();
    }
  }

  /** A state of versions: partition, high, low; in the order of partitions. */
  private StateFile state(Random random, List<long[]> versions) throws IOException {
    try (StateFile.Writer writer = new StateFile.Writer(directory.create(directory.state(1)))) {
      for (int partition = 0; partition < Partitions.COUNT; partition++) {
        for (long[] version : versions) {
          if (version[0] == partition) {
            byte[] key = bytes(random, 12);
            writer.plain(key, 0, key.length, version[1], version[2]);
          }
        }
        writer.endPartition();
      }
      writer.finish();
    }
    return StateFile.open(directory.state(1));
  }

  @Test
  void partitionedFileGivesBackEachStream() throws Exception {
    Random random = random("partitions");
    Path path = directory.path().resolve("streams");
    ByteArrayOutputStream[] expected = new ByteArrayOutputStream[Partitions.COUNT];
    Arrays.setAll(expected, i -> new ByteArrayOutputStream());
    PartitionedFile.Directory places;
    try (PartitionedFile file = new PartitionedFile(() -> directory.create(path))) {
      for (int i = 0; i < 20_000; i++) {
        int partition = random.nextInt(4) == 0 ? 7 : random.nextInt(Partitions.COUNT);
        switch (random.nextInt(4)) {
          case 0 -> {
            file.putByte(partition, i);
            expected[partition].write(i);
          }
          case 1 -> {
            file.putInt(partition, i * 31);
            expected[partition].writeBytes(ByteBuffer.allocate(4).putInt(i * 31).array());
          }
          case 2 -> {
            file.putLong(partition, i * 31L << 20);
            expected[partition].writeBytes(ByteBuffer.allocate(8).putLong(i * 31L << 20).array());
          }
          default -> {
            byte[] bytes = bytes(random, random.nextInt(random.nextInt(100) == 0 ? 40_000 : 60));
            file.putBytes(partition, bytes, 0, bytes.length);
            expected[partition].writeBytes(bytes);
          }
        }
      }
      for (int i = 0; i < Partitions.COUNT; i++) {
        assertStream(file, i, expected[i].toByteArray(), random);
      }
      places = file.finish(true);
    }
    try (PartitionedFile file = new PartitionedFile(SteadyChannel.reading(path), places)) {
      for (int i = 0; i < Partitions.COUNT; i++) {
        assertStream(file, i, expected[i].toByteArray(), random);
        file.read(i).checkRest(places.checksums()[i]);
      }
      PartitionedFile.Cursor cursor = file.read(7);
      assertThatThrownBy(() -> cursor.checkRest(places.checksums()[7] ^ 1))
          .isInstanceOf(DamagedException.class)
          .hasMessage("partition 7 of the plan is damaged");
    }
  }

  private static void assertStream(
      PartitionedFile file, int partition, byte[] expected, Random random) throws IOException {
    PartitionedFile.Cursor cursor = file.read(partition);
    int at = 0;
    while (at < expected.length) {
      int left = expected.length - at;
      switch (random.nextInt(4)) {
        case 0 -> {
          assertThat((byte) cursor.getByte()).isEqualTo(expected[at]);
          at++;
        }
        case 1 -> {
          if (left >= 8) {
            assertThat(cursor.getLong()).isEqualTo(ByteBuffer.wrap(expected, at, 8).getLong());
            at += 8;
          }
        }
        case 2 -> {
          int count = random.nextInt(Math.min(left, 20_000) + 1);
          cursor.skip(count);
          at += count;
        }
        default -> {
          byte[] got = new byte[random.nextInt(Math.min(left, 20_000) + 1)];
          cursor.getBytes(got, 0, got.length);
          assertThat(got).isEqualTo(Arrays.copyOfRange(expected, at, at + got.length));
          at += got.length;
        }
      }
    }
    assertThat(cursor.hasMore()).isFalse();
    assertThatThrownBy(cursor::getByte).isInstanceOf(DamagedException.class);
  }

  // --------------------------------------------------------------------------------------- ledger

  private static final Hold.Reason REASON = new Hold.Reason("BAD", "no ü");

  private static List<Outcome> everyOutcome() {
    List<Outcome> outcomes = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      boolean unknown = kind == Kind.UNKNOWN || kind == Kind.UNKNOWN_ALONE;
      outcomes.add(new Outcome(kind, unknown, 0, null));
      outcomes.add(new Outcome(kind, unknown, 5_000, REASON));
      if (kind != Kind.ACCEPTED) {
        outcomes.add(new Outcome(kind, true, 6_000, null));
      }
    }
    return outcomes;
  }

  @Test
  void ledgerGivesBackEveryOutcomeAlsoAfterItsRunDied() throws Exception {
    List<Outcome> all = everyOutcome();
    int count = all.size();
    try (Ledger ledger = Ledger.create(directory.ledger(1), count + 3, directory)) {
      ledger.reserve(0, count + 2, 9_000);
      ledger.acknowledge(0, all);
      ledger.reserve(0, count + 2, 8_000); // keeps what is noted, and the later moment
    }
    try (Ledger ledger = Ledger.open(directory.ledger(1), Long.MAX_VALUE)) {
      assertThat(ledger).isNotNull();
      @Nullable Outcome[] read = ledger.outcomes(0, count + 3);
      assertThat(Arrays.copyOf(read, count)).containsExactlyElementsOf(all);
      Outcome unanswered = new Outcome(Kind.UNKNOWN, true, 9_000, null);
      assertThat(read[count]).isEqualTo(unanswered);
      assertThat(read[count + 1]).isEqualTo(unanswered);
      assertThat(read[count + 2]).as("never reserved").isNull();
    }
    try (Ledger ledger = Ledger.open(directory.ledger(1), 7_000)) {
      assertThat(ledger.until()).as("no call acts for longer than a call can").isEqualTo(7_000);
    }
  }

  @Test
  @DisplayName("P1: no flipped bit of a ledger makes an outcome better than it was")
  void noFlippedBitMakesAnOutcomeBetter() throws Exception {
    List<Outcome> all = everyOutcome();
    try (Ledger ledger = Ledger.create(directory.ledger(1), all.size() + 1, directory)) {
      ledger.reserve(0, all.size() + 1, 9_000);
      ledger.acknowledge(0, all);
    }
    Path path = temporary.resolve("crm").resolve("ledger-1");
    byte[] sound = Files.readAllBytes(path);
    for (int bit = 16 * 8; bit < sound.length * 8; bit++) {
      byte[] damaged = sound.clone();
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(path, damaged);
      int position = bit / 8 - 16;
      Outcome before = position < all.size() ? all.get(position) : null;
      try (Ledger ledger = Ledger.open(directory.ledger(1), Long.MAX_VALUE)) {
        Outcome read = ledger.outcomes(position, 1)[0];
        assertThat(read).isNotNull();
        if (before == null || before.kind() != Kind.ACCEPTED) {
          assertThat(read.kind()).as("bit %d, was %s", bit, before).isNotEqualTo(Kind.ACCEPTED);
        }
        if (before == null || before.kind() != Kind.SKIPPED) {
          assertThat(read.kind()).as("bit %d, was %s", bit, before).isNotEqualTo(Kind.SKIPPED);
        }
      }
    }
  }

  @Test
  void ledgerKeepsReasonsOnceAndCutsLongOnes() throws Exception {
    Hold.Reason large =
        new Hold.Reason("BAD", "ä".repeat(499) + "\ud83d\ude00" + "x".repeat(9_000));
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      outcomes.add(new Outcome(Kind.REJECTED, false, 0, i % 2 == 0 ? REASON : large));
    }
    try (Ledger ledger = Ledger.create(directory.ledger(1), outcomes.size(), directory)) {
      ledger.reserve(0, outcomes.size(), 9_000);
      ledger.acknowledge(0, outcomes);
    }
    Path reasons = temporary.resolve("crm").resolve("ledger-1.reasons");
    assertThat(Files.size(reasons)).isLessThan(2_000);
    try (Ledger ledger = Ledger.open(directory.ledger(1), Long.MAX_VALUE)) {
      Set<Hold.Reason> read = new HashSet<>();
      for (Outcome outcome : ledger.outcomes(0, outcomes.size())) {
        read.add(outcome.reason());
      }
      assertThat(read).containsExactlyInAnyOrder(REASON, new Hold.Reason("BAD", "ä".repeat(499)));
    }
    // The last reason is torn: what it was said of keeps its verdict.
    byte[] bytes = Files.readAllBytes(reasons);
    for (int end = bytes.length - 1; end > bytes.length - 40; end--) {
      Files.write(reasons, Arrays.copyOf(bytes, end));
      try (Ledger ledger = Ledger.open(directory.ledger(1), Long.MAX_VALUE)) {
        assertThat(ledger.outcomes(1, 1)[0]).isEqualTo(new Outcome(Kind.REJECTED, false, 0, null));
        assertThat(ledger.outcomes(0, 1)[0].reason()).isEqualTo(REASON);
      }
    }
  }
}
