package io.fulmar.internal.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.standard.MemoryModel.Line;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Memory;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanRequest.Kind;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.Version;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Diff and fold, driven directly with random states, rows and outcomes, and held against the rules
 * applied key by key: whether partitions are worked on whole or in slices of a few keys, with a
 * filter or without, the plan and the next state are the same.
 */
class DiffAndFoldTest {
  private static final long NOW = 1_768_471_200_000L;
  private static final Diff.Seeds SEEDS = new Diff.Seeds(4711, "815");
  private static final int ROUNDS = Integer.getInteger("fulmar.rounds", 1);
  private static final List<Long> IDS = LongStream.range(0, 600).boxed().toList();

  @TempDir(factory = InMemory.class)
  Path temporary;

  private int directories;

  /** A planned change with its fields, or an effect. */
  private record Found(
      Operation operation,
      @Nullable Version version,
      int attempts,
      long firstAt,
      long until,
      String fields,
      String previous) {}

  private record Planned(PlanHead head, Map<Long, Found> changes, Map<Long, Integer> effects) {}

  /**
   * What a state holds.
   *
   * @param remembered the columns of which it has values
   * @param memory of each key
   * @param values of accepted versions, in hexadecimal digits
   */
  private record State(Remembered remembered, Map<Long, Memory> memory, Map<Long, String> values) {}

  private static final Remembered V = Remembered.of(MemoryModel.shape(), List.of("v"));

  private static byte[] key(long id) {
    return ByteBuffer.allocate(9).put((byte) 8).putLong(id).array();
  }

  private static long id(byte[] key) {
    return ByteBuffer.wrap(key, 1, 8).getLong();
  }

  private static Version version(Line line) throws IOException {
    Version[] version = new Version[1];
    MemoryModel.send(
        line,
        (buffer, from, to, fields) -> {
          HashValue128 hash =
              Hashing.xxh3_128(SEEDS.ofRows()).hashBytesTo128Bits(buffer, from, to - from);
          version[0] = new Version(hash.getMostSignificantBits(), hash.getLeastSignificantBits());
        });
    return version[0];
  }

  private static String fields(Line line) throws IOException {
    String[] text = new String[1];
    MemoryModel.send(
        line, (buffer, from, to, fields) -> text[0] = HexFormat.of().formatHex(buffer, from, to));
    return text[0];
  }

  private StateDirectory directory() throws IOException {
    Path root = temporary.resolve("state-" + ++directories);
    StateDirectory directory =
        new StateDirectory(new FaultyDisk(FileSystems.getDefault()).path(root), "crm");
    directory.make();
    return directory;
  }

  // ---------------------------------------------------------------------------------- random data

  private static Rules rules(Random random) {
    return new Rules(
        SyncMode.values()[random.nextInt(SyncMode.values().length)],
        random.nextBoolean() ? Removal.DELETE : Removal.IGNORE,
        random.nextInt(4) > 0,
        3,
        Duration.ofHours(1),
        random.nextBoolean() ? null : Duration.ofHours(2));
  }

  private static @Nullable Version versionOf(Random random, long id) throws IOException {
    return random.nextInt(4) == 0
        ? null
        : version(new Line(id, String.valueOf((char) ('a' + random.nextInt(3)))));
  }

  private static Memory memory(Random random, long id) throws IOException {
    Version accepted = version(new Line(id, String.valueOf((char) ('a' + random.nextInt(3)))));
    if (random.nextInt(3) > 0) {
      return new Memory(accepted, 0, null, 0);
    }
    boolean none = random.nextInt(4) == 0;
    Hold hold =
        random.nextInt(3) == 0 && !none
            ? null
            : new Hold(
                versionOf(random, id),
                HoldKind.values()[random.nextInt(HoldKind.values().length)],
                random.nextInt(4),
                NOW - random.nextInt(10_000_000),
                random.nextInt(5) == 0 ? null : new Version(random.nextLong(), random.nextLong()),
                random.nextBoolean(),
                random.nextBoolean() ? null : new Hold.Reason("BAD", "no ü " + id));
    long gone = !none && random.nextInt(4) == 0 ? NOW - random.nextInt(10_000_000) : 0;
    long until = random.nextInt(4) == 0 ? NOW + random.nextInt(60_000) - 30_000 : 0;
    return new Memory(none ? null : accepted, gone, hold, until);
  }

  /** The value of v as a row has it; NULL, nothing and something long among them. */
  private static String value(Random random) {
    int length = random.nextInt(5) - 1;
    ByteBuffer value = ByteBuffer.allocate(4 + Math.max(0, length)).putInt(length);
    for (int i = 0; i < length; i++) {
      value.put((byte) ('a' + random.nextInt(3)));
    }
    return HexFormat.of().formatHex(value.array());
  }

  private static byte @Nullable [] bytes(@Nullable String value) {
    return value == null ? null : HexFormat.of().parseHex(value);
  }

  private static Path write(StateDirectory directory, State held) throws IOException {
    Path path = directory.state(1);
    Map<Long, Memory> memory = held.memory();
    Map<Integer, List<Map.Entry<Long, Memory>>> byPartition = new TreeMap<>();
    for (Map.Entry<Long, Memory> entry : memory.entrySet()) {
      byPartition
          .computeIfAbsent(
              Partitions.of(Partitions.hash(key(entry.getKey()), 0, 9)), p -> new ArrayList<>())
          .add(entry);
    }
    try (StateFile.Writer writer =
        new StateFile.Writer(directory.create(path), held.remembered().shape())) {
      for (int partition = 0; partition < Partitions.COUNT; partition++) {
        for (Map.Entry<Long, Memory> entry : byPartition.getOrDefault(partition, List.of())) {
          byte[] key = key(entry.getKey());
          Memory of = entry.getValue();
          Version accepted = of.accepted();
          byte[] values = bytes(held.values().get(entry.getKey()));
          boolean plain = accepted != null && !of.gone() && of.hold() == null && of.until() == 0;
          if (plain && values == null) {
            writer.plain(key, 0, key.length, accepted.high(), accepted.low());
          } else {
            writer.entry(key, 0, key.length, of, values);
          }
        }
        writer.endPartition();
      }
      writer.finish();
    }
    return path;
  }

  private static State read(Path path, Remembered remembered) throws IOException {
    Map<Long, Memory> memory = new TreeMap<>();
    Map<Long, String> values = new TreeMap<>();
    try (StateFile state = StateFile.open(path)) {
      for (int partition = 0; partition < Partitions.COUNT; partition++) {
        StateFile.Cursor cursor = state.read(partition);
        long count = 0;
        while (cursor.next()) {
          count++;
          byte[] key = java.util.Arrays.copyOf(cursor.key(), cursor.keyLength());
          assertThat(Partitions.of(Partitions.hash(key, 0, key.length))).isEqualTo(partition);
          assertThat(memory.put(id(key), cursor.memory())).as("a key occurs once").isNull();
          byte[] kept = cursor.values();
          if (kept != null) {
            values.put(id(key), HexFormat.of().formatHex(kept));
          }
        }
        assertThat(state.keys(partition)).isEqualTo(count);
      }
      state.check();
      assertThat(state.remembered()).isEqualTo(remembered.shape());
    }
    return new State(remembered, memory, values);
  }

  // ----------------------------------------------------------------------------------------- plan

  private Planned plan(
      StateDirectory directory,
      State held,
      Remembered remembered,
      List<Line> lines,
      Rules rules,
      Kind request,
      boolean filtered,
      long sliceBytes)
      throws Exception {
    PlanHead head = new PlanHead();
    head.run = NOW;
    head.request = request;
    head.rowShape = MemoryModel.shape().rowShape();
    head.keyShape = MemoryModel.shape().keyShape();
    head.remembered = remembered;
    head.columnChanges = new long[remembered.fields().size()];
    Path path = write(directory, held);
    try (StateFile state = StateFile.open(path)) {
      TagFilter filter =
          filtered && rules.mode() != SyncMode.ALL ? TagFilter.of(state, 1 << 20) : null;
      try (Diff diff =
          new Diff(directory, head, state, MemoryModel.shape(), rules, filter, SEEDS, NOW)) {
        diff.sliceBytes(sliceBytes);
        for (Line line : lines) {
          MemoryModel.send(line, diff);
        }
        diff.join();
      }
    }
    head.write(directory, directory.plan(head.run));
    return contents(directory, head);
  }

  private static Planned contents(StateDirectory directory, PlanHead written) throws IOException {
    PlanHead head = PlanHead.read(directory.plan(written.run));
    assertThat(head).isNotNull();
    head.rememberedBytes = written.rememberedBytes; // is for the planner alone
    Map<Long, Found> changes = new TreeMap<>();
    Map<Long, Integer> effects = new TreeMap<>();
    for (Map.Entry<PlanFiles.Section, PlanFiles.Directory> section : head.sections.entrySet()) {
      try (PlanFiles.SectionReader reader =
              new PlanFiles.SectionReader(
                  directory.plan(head.run), section.getKey(), section.getValue());
          PartitionedFile fields =
              section.getKey() == PlanFiles.Section.ROWS
                  ? new PartitionedFile(
                      SteadyChannel.reading(PlanFiles.fields(directory.plan(head.run))),
                      head.fields)
                  : new PartitionedFile(
                      () -> {
                        throw new IOException("nothing is written");
                      })) {
        for (int partition = 0; partition < Partitions.COUNT; partition++) {
          reader.go(partition);
          PartitionedFile.Cursor cursor = fields.read(partition);
          while (reader.hasMore()) {
            if (section.getKey() == PlanFiles.Section.EFFECTS) {
              long id = id(reader.effectKey());
              assertThat(effects.put(id, reader.effects())).isNull();
              continue;
            }
            cursor.skip(reader.skipped());
            PlanFiles.Entry entry = reader.change();
            byte[] bytes = new byte[entry.length];
            if (section.getKey() == PlanFiles.Section.ROWS) {
              cursor.getBytes(bytes, 0, entry.length);
            } else {
              bytes = reader.fields(entry);
            }
            Found found =
                new Found(
                    entry.operation,
                    entry.version,
                    entry.attempts,
                    entry.firstAt,
                    entry.until,
                    HexFormat.of().formatHex(bytes),
                    entry.previous == null ? "" : HexFormat.of().formatHex(entry.previous));
            assertThat(changes.put(id(entry.key), found)).as("a key is planned once").isNull();
          }
        }
      }
    }
    return new Planned(head, changes, effects);
  }

  /** The plan that the rules give, key by key. */
  private static Planned expected(
      State state, Remembered wanted, List<Line> lines, Rules rules, Kind request)
      throws IOException {
    Map<Long, Memory> memory = state.memory();
    boolean known = !wanted.isEmpty() && !state.remembered().isEmpty();
    Map<Long, List<Line>> byKey = new TreeMap<>();
    PlanHead head = new PlanHead();
    head.columnChanges = new long[wanted.fields().size()];
    for (Line line : lines) {
      if (line.id() == null) {
        head.invalid++;
      } else {
        // The fields are those of id, which takes 12 bytes, and of v.
        head.rememberedBytes += wanted.isEmpty() ? 0 : fields(line).length() / 2 - 12;
        byKey.computeIfAbsent(line.id(), id -> new ArrayList<>()).add(line);
      }
    }
    memory.keySet().forEach(id -> byKey.computeIfAbsent(id, missing -> List.of()));
    Map<Long, Found> changes = new TreeMap<>();
    Map<Long, Integer> effects = new TreeMap<>();
    for (Map.Entry<Long, List<Line>> entry : byKey.entrySet()) {
      List<Line> of = entry.getValue();
      Memory remembered = memory.getOrDefault(entry.getKey(), Memory.NONE);
      boolean isLive = remembered.accepted() != null && !remembered.gone();
      head.firstRemovals += request == Kind.FILL && of.size() != 1 && isLive ? 1 : 0;
      if (of.size() > 1) {
        head.invalid += of.size();
        continue;
      }
      Version version = of.isEmpty() ? null : version(of.get(0));
      String kept = known ? state.values().getOrDefault(entry.getKey(), "") : "";
      boolean lacksValues =
          request == Kind.RESET
              && !wanted.isEmpty()
              && version != null
              && version.equals(remembered.accepted())
              && kept.isEmpty();
      Rules.Decision decision =
          lacksValues
              ? new Rules.Decision(Operation.CHANGED, false, 0, Rules.Left.NOTHING)
              : rules.decide(request, version, remembered);
      head.held += decision.left() == Rules.Left.HELD ? 1 : 0;
      head.ignored += decision.left() == Rules.Left.IGNORED ? 1 : 0;
      if (decision.effects() != 0) {
        effects.put(entry.getKey(), decision.effects());
      }
      if (decision.planned() != null) {
        head.planned[decision.planned().ordinal()]++;
        io.fulmar.internal.store.Planned planned =
            rules.planned(decision, version, remembered, new Version(0, 0), NOW);
        String previous = decision.planned() == Operation.ADDED ? "" : kept;
        Hold hold = remembered.hold();
        boolean isFirst = hold == null || (hold.version() != null && !hold.unsure());
        head.firstRemovals += version == null && isFirst ? 1 : 0;
        String fields = of.isEmpty() ? "" : fields(of.get(0));
        if (decision.planned() == Operation.CHANGED && !previous.isEmpty()) {
          head.columnChanges[0] += fields.substring(24).equals(previous) ? 0 : 1;
        }
        changes.put(
            entry.getKey(),
            new Found(
                decision.planned(),
                version,
                planned.attempts(),
                planned.firstAt(),
                remembered.until() > NOW ? remembered.until() : 0,
                fields,
                previous));
      }
    }
    return new Planned(head, changes, effects);
  }

  private static long seed(String what) {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    System.out.println("DiffAndFoldTest, " + what + ": seed " + seed);
    return seed;
  }

  @Test
  @DisplayName(
      "P1, G-14: a version is a hash of 128 bits under a seed of the sync, so that what collides in one does not in another")
  void versionsAreAsManyAsRowsAndOthersUnderAnotherSeed() throws Exception {
    Diff.Seeds other = new Diff.Seeds(SEEDS.ofRows() + 1, SEEDS.ofIds());
    Set<Long> halves = new HashSet<>();
    int rows = 100_000;
    for (int i = 0; i < rows; i++) {
      // Rows that differ in one bit or digit, as a counter or a flag does.
      byte[] row = fields(new Line((long) i, "v" + (i & 1))).getBytes(StandardCharsets.US_ASCII);
      HashValue128 version = SEEDS.rowHasher().hashBytesTo128Bits(row);
      halves.add(version.getMostSignificantBits());
      halves.add(version.getLeastSignificantBits());
      assertThat(other.rowHasher().hashBytesTo128Bits(row)).isNotEqualTo(version);
    }
    assertThat(halves).as("either half alone tells them apart").hasSize(2 * rows);
  }

  @Test
  @DisplayName("P1, P5, P8: the diff is the rules key by key, whole or in slices, filtered or not")
  void diffIsTheRulesKeyByKey() throws Exception {
    long seed = seed("diff");
    for (int round = 0; round < ROUNDS; round++) {
      diffIsTheRulesKeyByKey(IDS, 192, Kind.RUN, seed + round);
    }
  }

  @Test
  @DisplayName("P1, P8: so is that of a request of another kind")
  void diffOfEachRequestIsTheRulesKeyByKey() throws Exception {
    long seed = seed("requests");
    for (Kind request : List.of(Kind.RESYNC, Kind.RESET, Kind.FILL)) {
      diffIsTheRulesKeyByKey(IDS, 192, request, seed);
    }
  }

  @Test
  @DisplayName("P1, P5, P8: so is that of a partition with more keys than its arrays begin with")
  void diffOfALargePartitionIsTheRulesKeyByKey() throws Exception {
    List<Long> ids = idsOfOnePartition(3_000);
    diffIsTheRulesKeyByKey(ids, 100_000, Kind.RUN, seed("large partition"));
  }

  @Test
  @DisplayName("P1: a changed row that the filter takes for an unchanged one is not passed over")
  void missOfTheFilterIsFoundOut() throws Exception {
    List<Long> keys = idsOfOnePartition(2);
    StateDirectory directory = directory();
    try (StateFile accepted = StateFile.open(write(directory, state(keys, "before")));
        StateFile wrong = StateFile.open(write(directory(), state(keys, "after")))) {
      PlanHead head = new PlanHead();
      head.run = NOW;
      head.request = Kind.RUN;
      head.remembered = Remembered.NOTHING;
      Rules rules = new Rules(SyncMode.UPSERT, Removal.DELETE, true, 3, Duration.ofHours(1), null);
      // A version with the tag of another cannot be had here, so the filter is of another state.
      TagFilter filter = TagFilter.of(wrong, 1 << 20);
      try (Diff diff =
          new Diff(directory, head, accepted, MemoryModel.shape(), rules, filter, SEEDS, NOW)) {
        MemoryModel.send(new Line(keys.get(0), "after"), diff);
        assertThat(diff.knowsAll()).isTrue();
        assertThatThrownBy(diff::join).isInstanceOf(Diff.FilterMissed.class);
      }
    }
  }

  private static List<Long> idsOfOnePartition(int count) {
    return LongStream.iterate(0, id -> id + 1)
        .filter(id -> Partitions.of(Partitions.hash(key(id), 0, 9)) == 0)
        .limit(count)
        .boxed()
        .toList();
  }

  private static State state(List<Long> keys, String value) throws IOException {
    Map<Long, Memory> memory = new TreeMap<>();
    for (long key : keys) {
      memory.put(key, new Memory(version(new Line(key, value)), 0, null, 0));
    }
    return new State(Remembered.NOTHING, memory, new TreeMap<>());
  }

  @Test
  void invalidKeysAndSamplesAreKeptUpToTheirBound() throws Exception {
    State nothing = new State(Remembered.NOTHING, new TreeMap<>(), new TreeMap<>());
    List<Line> nulls = new ArrayList<>(Collections.nCopies(150, new Line(null, "v")));
    List<Line> twice = new ArrayList<>();
    for (long id = 0; id < 150; id++) {
      twice.add(new Line(id, "a"));
      twice.add(new Line(id, "b"));
    }
    List<Line> added = new ArrayList<>();
    for (long id = 0; id < 150; id++) {
      added.add(new Line(id, "a"));
    }
    PlanHead ofNulls = plan(nothing, nulls);
    assertThat(ofNulls.invalid).isEqualTo(150);
    assertThat(ofNulls.invalidRows).hasSize(100);
    PlanHead ofTwice = plan(nothing, twice);
    assertThat(ofTwice.invalid).isEqualTo(300);
    assertThat(ofTwice.invalidRows).hasSize(100);
    PlanHead ofAdded = plan(nothing, added);
    assertThat(ofAdded.planned).containsExactly(150, 0, 0);
    assertThat(ofAdded.samples).hasSize(10);
  }

  private PlanHead plan(State state, List<Line> lines) throws Exception {
    Rules rules = new Rules(SyncMode.UPSERT, Removal.DELETE, true, 3, Duration.ofHours(1), null);
    return plan(directory(), state, Remembered.NOTHING, lines, rules, Kind.RUN, false, 16 << 20)
        .head();
  }

  private void diffIsTheRulesKeyByKey(List<Long> ids, long smallSlice, Kind request, long seed)
      throws Exception {
    Random random = new Random(seed);
    Rules rules = rules(random);
    Remembered had = random.nextInt(3) > 0 ? V : Remembered.NOTHING;
    State state = new State(had, new TreeMap<>(), new TreeMap<>());
    for (long id : ids) {
      if (random.nextInt(3) > 0) {
        Memory memory = memory(random, id);
        state.memory().put(id, memory);
        if (!had.isEmpty() && memory.accepted() != null && random.nextInt(4) > 0) {
          state.values().put(id, value(random));
        }
      }
    }
    List<Line> lines = lines(ids, random);
    for (Remembered wanted : List.of(Remembered.NOTHING, V)) {
      diffIsTheRulesKeyByKey(state, wanted, lines, smallSlice, rules, request, seed);
    }
  }

  private void diffIsTheRulesKeyByKey(
      State state,
      Remembered wanted,
      List<Line> lines,
      long smallSlice,
      Rules rules,
      Kind request,
      long seed)
      throws Exception {
    Planned expected = expected(state, wanted, lines, rules, request);
    // Other requests read every row, since they send those that did not change, too.
    for (boolean filtered : request == Kind.RUN ? List.of(false, true) : List.of(false)) {
      for (long sliceBytes : new long[] {16 << 20, smallSlice}) {
        String about =
            "seed %d, %s, had %s, wants %s, filtered %s, slices of %d"
                .formatted(
                    seed,
                    request,
                    state.remembered().fields(),
                    wanted.fields(),
                    filtered,
                    sliceBytes);
        StateDirectory directory = directory();
        Planned planned =
            plan(directory, state, wanted, lines, rules, request, filtered, sliceBytes);
        assertThat(planned.head().columnChanges).as(about).isEqualTo(expected.head().columnChanges);
        assertThat(planned.changes()).as(about).isEqualTo(expected.changes());
        assertThat(planned.effects()).as(about).isEqualTo(expected.effects());
        assertThat(planned.head().planned).as(about).isEqualTo(expected.head().planned);
        assertThat(planned.head().invalid).as(about).isEqualTo(expected.head().invalid);
        assertThat(planned.head().held).as(about).isEqualTo(expected.head().held);
        assertThat(planned.head().ignored).as(about).isEqualTo(expected.head().ignored);
        assertThat(planned.head().rows).as(about).isEqualTo(lines.size());
        assertThat(planned.head().firstRemovals).as(about).isEqualTo(expected.head().firstRemovals);
        if (!filtered) {
          assertThat(planned.head().rememberedBytes)
              .as(about)
              .isEqualTo(expected.head().rememberedBytes);
        }
        if (request == Kind.RUN) {
          fold(directory, planned, state, smallSlice, rules, new Random(seed), about);
        }
      }
    }
  }

  private static List<Line> lines(List<Long> ids, Random random) {
    List<Line> lines = new ArrayList<>();
    for (long id : ids) {
      int copies = random.nextInt(40) == 0 ? 2 + random.nextInt(3) : random.nextInt(5) > 0 ? 1 : 0;
      String v = String.valueOf((char) ('a' + random.nextInt(3)));
      for (int i = 0; i < copies; i++) {
        boolean same = random.nextInt(3) > 0;
        lines.add(new Line(id, same ? v : random.nextInt(9) == 0 ? null : v + i));
      }
    }
    lines.add(new Line(null, "x"));
    lines.add(new Line(null, null));
    Collections.shuffle(lines, random);
    return lines;
  }

  // ----------------------------------------------------------------------------------------- fold

  private void fold(
      StateDirectory directory,
      Planned planned,
      State held,
      long smallSlice,
      Rules rules,
      Random random,
      String about)
      throws IOException {
    // Positions follow the order of the files, which slices change; outcomes go by the key.
    Map<Long, @Nullable Outcome> outcomes = new TreeMap<>();
    for (long id : planned.changes().keySet()) {
      outcomes.put(id, outcome(random));
    }
    List<Long> order = order(directory, planned.head());
    Remembered remembered = planned.head().remembered;
    Map<Long, Memory> expected = new TreeMap<>();
    Map<Long, String> values = new TreeMap<>();
    Map<Long, Memory> all = new TreeMap<>(held.memory());
    planned.changes().keySet().forEach(id -> all.putIfAbsent(id, Memory.NONE));
    Map<Long, io.fulmar.internal.store.Planned> settled = plannedByKey(directory, planned.head());
    long newlyQuarantined =
        outcomes.entrySet().stream()
            .filter(each -> each.getValue() != null)
            .filter(
                each -> {
                  Memory before = rules.renew(all.get(each.getKey()));
                  Memory after =
                      rules.settle(before, settled.get(each.getKey()), each.getValue(), NOW);
                  return isQuarantined(after) && !isQuarantined(before);
                })
            .count();
    all.forEach(
        (id, before) -> {
          Memory after = rules.renew(before);
          String value =
              remembered.isEmpty() || held.remembered().isEmpty() ? null : held.values().get(id);
          Outcome outcome = outcomes.get(id);
          if (outcome != null && outcome.kind() == Outcome.Kind.ACCEPTED && !remembered.isEmpty()) {
            // The fields are those of id, which takes 12 bytes, and of v.
            String fields = planned.changes().get(id).fields();
            value = fields.isEmpty() ? null : fields.substring(24);
          }
          if (outcome != null) {
            after = rules.settle(after, settled.get(id), outcome, NOW);
          }
          after = rules.affect(after, planned.effects().getOrDefault(id, 0), NOW);
          after = rules.expire(after, NOW);
          if (!after.isEmpty()) {
            expected.put(id, after);
            if (after.accepted() != null && value != null) {
              values.put(id, value);
            }
          }
        });
    for (long sliceBytes : new long[] {16 << 20, smallSlice * 3 / 2}) {
      Path ledgerPath = directory.ledger(planned.head().run);
      Path next = directory.state(2);
      try (Ledger ledger = Ledger.create(ledgerPath, order.size(), directory)) {
        for (int i = 0; i < order.size(); i++) {
          Outcome outcome = outcomes.get(order.get(i));
          if (outcome != null) {
            ledger.acknowledge(i, List.of(outcome));
          }
        }
        try (StateFile state = StateFile.open(directory.state(1));
            Fold fold =
                new Fold(
                    state,
                    planned.head(),
                    directory.plan(planned.head().run),
                    ledger::outcomes,
                    rules,
                    true,
                    NOW);
            StateFile.Writer writer =
                new StateFile.Writer(directory.create(next), remembered.shape())) {
          fold.sliceBytes(sliceBytes);
          fold.write(writer);
          assertThat(fold.accepted()).as(about).isEqualTo(count(outcomes, Outcome.Kind.ACCEPTED));
          assertThat(fold.unanswered())
              .as(about)
              .isEqualTo(
                  count(outcomes, Outcome.Kind.UNKNOWN)
                      + count(outcomes, Outcome.Kind.UNKNOWN_ALONE));
          assertThat(fold.newlyQuarantined()).as(about).isEqualTo(newlyQuarantined);
          assertThat(writer.census().synced)
              .as(about)
              .isEqualTo(expected.values().stream().filter(m -> m.accepted() != null).count());
        }
      }
      assertThat(read(next, remembered))
          .as("fold in slices of %d, %s", sliceBytes, about)
          .isEqualTo(new State(remembered, expected, values));
    }
    Files.delete(directory.state(2));
  }

  private static boolean isQuarantined(Memory memory) {
    Hold hold = memory.hold();
    return hold != null && hold.kind() == HoldKind.QUARANTINED;
  }

  private static long count(Map<Long, @Nullable Outcome> outcomes, Outcome.Kind kind) {
    return outcomes.values().stream().filter(each -> each != null && each.kind() == kind).count();
  }

  private static @Nullable Outcome outcome(Random random) {
    Outcome.Kind[] kinds = Outcome.Kind.values();
    int kind = random.nextInt(kinds.length + 1);
    if (kind == kinds.length) {
      return null; // never reserved
    }
    boolean unknown =
        kinds[kind] == Outcome.Kind.UNKNOWN || kinds[kind] == Outcome.Kind.UNKNOWN_ALONE;
    boolean unsure = unknown || (kinds[kind] != Outcome.Kind.ACCEPTED && random.nextInt(3) == 0);
    long until = unsure || random.nextInt(5) == 0 ? NOW + random.nextInt(9_000) : 0;
    Hold.Reason reason =
        random.nextBoolean() ? null : new Hold.Reason("C" + random.nextInt(9), "no");
    return new Outcome(kinds[kind], unsure, until, reason);
  }

  private static List<Long> order(StateDirectory directory, PlanHead head) throws IOException {
    List<Long> order = new ArrayList<>();
    each(directory, head, entry -> order.add(id(entry.key)));
    return order;
  }

  private static Map<Long, io.fulmar.internal.store.Planned> plannedByKey(
      StateDirectory directory, PlanHead head) throws IOException {
    Map<Long, io.fulmar.internal.store.Planned> planned = new TreeMap<>();
    each(directory, head, entry -> planned.put(id(entry.key), entry.planned()));
    return planned;
  }

  private static void each(
      StateDirectory directory, PlanHead head, java.util.function.Consumer<PlanFiles.Entry> sink)
      throws IOException {
    for (PlanFiles.Section section : PlanFiles.positioned()) {
      PlanFiles.Directory of = head.sections.get(section);
      if (of == null) {
        continue;
      }
      try (PlanFiles.SectionReader reader =
          new PlanFiles.SectionReader(directory.plan(head.run), section, of)) {
        for (int partition = 0; partition < Partitions.COUNT; partition++) {
          reader.go(partition);
          while (reader.hasMore()) {
            reader.skipped();
            PlanFiles.Entry entry = reader.change();
            if (section != PlanFiles.Section.ROWS) {
              reader.fields(entry);
            }
            sink.accept(entry);
          }
        }
      }
    }
  }
}
