package io.fulmar.internal.standard;

import io.fulmar.HoldKind;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.SyncMode;
import io.fulmar.internal.hash.RowSum;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.Definitions;
import io.fulmar.internal.type.ColumnKind;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a sync besides its keys: a small text file of names and values, with a checksum
 * in its last line, replaced as a whole. Whatever replaces it is the moment at which a fold has
 * happened.
 */
final class SyncFile {
  private static final String FORMAT = "1";
  private static final String CHECKSUM = "checksum ";

  String sync = "";
  String destination = "";
  String incarnation = "";
  String secret = "";
  String key = "";
  String fingerprint = "";
  @Nullable SyncMode mode;
  @Nullable Removal removal;
  long generation;
  long keys;
  long live;
  long unsure;
  final Map<HoldKind, Long> holds = new EnumMap<>(HoldKind.class);
  long run;
  long foldedRun;
  long version;
  @Nullable RunStatus lastStatus;
  @Nullable Instant lastEndedAt;
  @Nullable Instant lastSuccessAt;
  int failuresInARow;
  @Nullable Instant upToDateAsOf;
  long system;
  String database = "";
  int timeline;
  long position;
  long keptPlan;

  /** The highest revision of the sync that has been seen. */
  long revision;

  /** How often every row has been made due again. */
  long epoch;

  /** The definitions that were folded. */
  Definitions definitions = Definitions.NONE;

  /** The last moment at which a call for some key may act, in milliseconds since 1970. */
  long until;

  /** Whether a clear of the destination was begun and is not known to have ended ... */
  boolean clearing;

  /** ... and the moment until which it may act. */
  long clearUntil;

  /** Whether the state is being made out of the present result, and must not be run before. */
  boolean initialising;

  /** Whether everything here is to be removed. */
  boolean forgotten;

  /** Where the memory of the sync was moved to, or is being moved to; empty for nowhere. */
  String movedTo = "";

  /** Whether that move is not known to have ended. */
  boolean moving;

  /** How keys are decoded; null before the first plan. */
  @Nullable Shape keyShape;

  /** How many plans in a row have found nothing by reading all rows. */
  long idlePlans;

  /** What the accepted rows add up to; null if that is not known ... */
  @Nullable RowSum sum;

  /** ... and the version of the state that it is known of. */
  long sumVersion;

  /** See {@link io.fulmar.internal.plan.Snapshot#writes}, at the last plan; empty for unknown. */
  String writes = "";

  /** The plan of a run whose end is noted here, and whose fold failed. */
  long unfolded;

  /** The source that the state was folded from; its moment is not kept. */
  ServerIdentity server() {
    return new ServerIdentity(Instant.EPOCH, database, system, timeline, position);
  }

  /** Reads the file; null if there is none. */
  static @Nullable SyncFile read(Path path) throws IOException {
    if (!Files.exists(path)) {
      return null;
    }
    String text = Files.readString(path, StandardCharsets.UTF_8);
    int last = text.lastIndexOf(CHECKSUM);
    if (last < 0
        || !text.substring(last + CHECKSUM.length())
            .strip()
            .equals(checksum(text.substring(0, last)))) {
      throw new DamagedException("the file " + path + " is damaged");
    }
    Properties values = new Properties();
    values.load(new StringReader(text.substring(0, last)));
    if (!FORMAT.equals(values.getProperty("format"))) {
      throw new DamagedException(
          "the file %s has the format %s, and this version of Fulmar reads %s, so it is best to use the version that wrote it"
              .formatted(path, values.getProperty("format"), FORMAT));
    }
    try {
      return of(values);
    } catch (RuntimeException e) {
      throw new DamagedException("the file " + path + " holds a value that cannot be read", e);
    }
  }

  private static SyncFile of(Properties values) {
    SyncFile file = new SyncFile();
    file.sync = values.getProperty("sync", "");
    file.destination = values.getProperty("destination", "");
    file.incarnation = values.getProperty("incarnation", "");
    file.secret = values.getProperty("secret", "");
    file.key = values.getProperty("key", "");
    file.fingerprint = values.getProperty("fingerprint", "");
    file.mode = values.containsKey("mode") ? SyncMode.valueOf(values.getProperty("mode")) : null;
    file.removal =
        values.containsKey("removal") ? Removal.valueOf(values.getProperty("removal")) : null;
    file.generation = number(values, "generation");
    file.keys = number(values, "keys");
    file.live = number(values, "live");
    file.unsure = number(values, "unsure");
    for (HoldKind kind : HoldKind.values()) {
      file.holds.put(kind, number(values, "holds." + kind));
    }
    file.run = number(values, "run");
    file.foldedRun = number(values, "foldedRun");
    file.version = number(values, "version");
    file.lastStatus =
        values.containsKey("lastStatus")
            ? RunStatus.valueOf(values.getProperty("lastStatus"))
            : null;
    file.lastEndedAt = instant(values, "lastEndedAt");
    file.lastSuccessAt = instant(values, "lastSuccessAt");
    file.failuresInARow = (int) number(values, "failuresInARow");
    file.upToDateAsOf = instant(values, "upToDateAsOf");
    file.system = number(values, "system");
    file.database = values.getProperty("database", "");
    file.timeline = (int) number(values, "timeline");
    file.position = number(values, "position");
    file.keptPlan = number(values, "keptPlan");
    file.unfolded = number(values, "unfolded");
    file.revision = number(values, "revision");
    file.epoch = number(values, "epoch");
    file.definitions = Definitions.parse(values.getProperty("definitions", ""));
    file.until = number(values, "until");
    file.clearing = number(values, "clearing") == 1;
    file.clearUntil = number(values, "clearUntil");
    file.initialising = number(values, "initialising") == 1;
    file.forgotten = number(values, "forgotten") == 1;
    file.movedTo = values.getProperty("movedTo", "");
    file.moving = number(values, "moving") == 1;
    file.keyShape = shape(values);
    file.sum =
        values.containsKey("sum.rows")
            ? new RowSum(number(values, "sum.rows"), number(values, "sum.bits"))
            : null;
    file.sumVersion = number(values, "sum.version");
    file.idlePlans = number(values, "idlePlans");
    file.writes = values.getProperty("writes", "");
    return file;
  }

  private static @Nullable Shape shape(Properties values) {
    int count = (int) number(values, "keyColumns");
    List<String> names = new ArrayList<>();
    List<ColumnKind> kinds = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      names.add(values.getProperty("keyColumn." + i + ".name", ""));
      kinds.add(ColumnKind.valueOf(values.getProperty("keyColumn." + i + ".kind", "")));
    }
    return count == 0 ? null : Shape.of(names, kinds, IntStream.range(0, count).boxed().toList());
  }

  private static void put(Map<String, Object> values, @Nullable Shape shape) {
    int count = shape == null ? 0 : shape.names().size();
    values.put("keyColumns", count);
    for (int i = 0; shape != null && i < count; i++) {
      values.put("keyColumn." + i + ".name", shape.names().get(i));
      values.put("keyColumn." + i + ".kind", shape.kinds().get(i).name());
    }
  }

  private void put(Map<String, Object> values, @Nullable RowSum kept) {
    if (kept != null) {
      values.put("sum.rows", kept.rows());
      values.put("sum.bits", kept.bits());
      values.put("sum.version", sumVersion);
    }
  }

  private static long number(Properties values, String name) {
    return Long.parseLong(values.getProperty(name, "0"));
  }

  private static @Nullable Instant instant(Properties values, String name) {
    String text = values.getProperty(name);
    return text == null ? null : Instant.parse(text);
  }

  /** Replaces the file, all or nothing, durable on return. */
  void write(StateDirectory directory) throws IOException {
    Map<String, Object> values = new TreeMap<>();
    values.put("format", FORMAT);
    values.put("sync", sync);
    values.put("destination", destination);
    values.put("incarnation", incarnation);
    values.put("secret", secret);
    values.put("key", key);
    values.put("fingerprint", fingerprint);
    put(values, "mode", mode);
    put(values, "removal", removal);
    values.put("generation", generation);
    values.put("keys", keys);
    values.put("live", live);
    values.put("unsure", unsure);
    holds.forEach((kind, count) -> values.put("holds." + kind, count));
    values.put("run", run);
    values.put("foldedRun", foldedRun);
    values.put("version", version);
    put(values, "lastStatus", lastStatus);
    put(values, "lastEndedAt", lastEndedAt);
    put(values, "lastSuccessAt", lastSuccessAt);
    values.put("failuresInARow", failuresInARow);
    put(values, "upToDateAsOf", upToDateAsOf);
    values.put("system", system);
    values.put("database", database);
    values.put("timeline", timeline);
    values.put("position", position);
    values.put("keptPlan", keptPlan);
    values.put("unfolded", unfolded);
    values.put("revision", revision);
    values.put("epoch", epoch);
    values.put("definitions", definitions.text());
    values.put("until", until);
    values.put("clearing", clearing ? 1 : 0);
    values.put("clearUntil", clearUntil);
    values.put("initialising", initialising ? 1 : 0);
    values.put("forgotten", forgotten ? 1 : 0);
    values.put("movedTo", movedTo);
    values.put("moving", moving ? 1 : 0);
    put(values, keyShape);
    put(values, sum);
    values.put("writes", writes);
    values.put("idlePlans", idlePlans);
    StringBuilder text = new StringBuilder("# The state of a sync of Fulmar. Not to be edited.\n");
    values.forEach(
        (name, value) ->
            text.append(name).append('=').append(escaped(value.toString())).append('\n'));
    String checksum = checksum(text.toString());
    text.append(CHECKSUM).append(checksum).append('\n');
    Path next = directory.syncFile().resolveSibling("sync.next");
    try (FileChannel channel = directory.create(next)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    directory.passed(CrashPoint.SYNC_FILE_WRITTEN);
    directory.place(next, directory.syncFile());
  }

  private static void put(Map<String, Object> values, String name, @Nullable Object value) {
    if (value != null) {
      values.put(name, value);
    }
  }

  /** As {@link Properties#load} reads it. */
  private static String escaped(String value) {
    StringBuilder text = new StringBuilder();
    for (char c : value.toCharArray()) {
      if (c == '\\' || (c == ' ' && text.isEmpty())) {
        text.append('\\').append(c);
      } else if (c < ' ') {
        text.append("\\u%04x".formatted((int) c));
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }

  private static String checksum(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return Long.toHexString(crc.getValue());
  }
}
