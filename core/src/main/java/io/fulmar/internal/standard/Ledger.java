package io.fulmar.internal.standard;

import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What became of each position of a plan, one byte a position, so that a crash at any moment leaves
 * each one as it was or as it should be. Positions whose outcome takes more words have a place in a
 * second, sparse file; reasons stand in a third, each once. Reserving and acknowledging are
 * threadsafe.
 */
final class Ledger implements Closeable {
  private static final int HEADER = 16;
  private static final long MAGIC = 0x46554c4d4c473031L; // FULMLG01
  private static final int DETAIL = 16;
  private static final int MAX_REASONS = 10_000;
  private static final int MAX_MESSAGE = 500;
  private static final int MAX_REASON_BYTES = 1 << 14;

  private static final byte RESERVED = 'r';
  private static final byte ACCEPTED = 'A';
  private static final byte DETAILED = (byte) 0x80;
  private static final Map<Outcome.Kind, Byte> CODES =
      new EnumMap<>(
          Map.of(
              Outcome.Kind.ACCEPTED, ACCEPTED,
              Outcome.Kind.REJECTED, (byte) 'J',
              Outcome.Kind.REJECTED_TOGETHER, (byte) 'T',
              Outcome.Kind.SKIPPED, (byte) 'S',
              Outcome.Kind.UNKNOWN_ALONE, (byte) 'V',
              Outcome.Kind.UNKNOWN, (byte) 'U',
              Outcome.Kind.NOT_TRIED, (byte) 'N'));
  private static final Map<Byte, Outcome.Kind> KINDS = new HashMap<>();
  private static final Map<Outcome.Kind, Outcome> SIMPLE = new EnumMap<>(Outcome.Kind.class);

  static {
    CODES.forEach(
        (kind, code) -> {
          KINDS.put(code, kind);
          boolean unsure = kind == Outcome.Kind.UNKNOWN || kind == Outcome.Kind.UNKNOWN_ALONE;
          SIMPLE.put(kind, new Outcome(kind, unsure, 0, null));
        });
  }

  private final FileChannel bytes;
  private final FileChannel details;
  private final FileChannel reasonFile;
  private final CrashPoint.Watch watch;
  private final Map<Hold.Reason, Integer> reasons = new HashMap<>();
  private final List<Hold.Reason> reasonList = new ArrayList<>();
  private final Object forcing = new Object();
  private long latest = Long.MAX_VALUE;
  private long until;
  private long writes;
  private long forced;

  /** Over files that are open. */
  Ledger(FileChannel bytes, FileChannel details, FileChannel reasonFile, CrashPoint.Watch watch) {
    this.bytes = bytes;
    this.details = details;
    this.reasonFile = reasonFile;
    this.watch = watch;
  }

  private static FileChannel made(Path path, StateDirectory directory) throws IOException {
    return SteadyChannel.made(path, directory.create(path));
  }

  static Path details(Path path) {
    return path.resolveSibling(path.getFileName() + ".details");
  }

  static Path reasons(Path path) {
    return path.resolveSibling(path.getFileName() + ".reasons");
  }

  /**
   * Makes a ledger with room for all positions, so that a full disk shows before anything is sent.
   */
  static Ledger create(Path path, long positions, StateDirectory directory) throws IOException {
    Files.deleteIfExists(details(path));
    Files.deleteIfExists(reasons(path));
    Ledger ledger =
        new Ledger(
            made(path, directory),
            made(details(path), directory),
            made(reasons(path), directory),
            directory::passed);
    try {
      directory.passed(CrashPoint.LEDGER_MADE);
      ledger.header(0);
      byte[] zeros = new byte[1 << 16];
      for (long at = 0; at < positions; at += zeros.length) {
        int part = (int) Math.min(zeros.length, positions - at);
        ledger.write(ledger.bytes, ByteBuffer.wrap(zeros, 0, part), HEADER + at);
      }
      ledger.bytes.force(true);
      directory.force();
      directory.passed(CrashPoint.LEDGER_READY);
      return ledger;
    } catch (IOException | RuntimeException e) {
      ledger.close();
      throw e;
    }
  }

  /**
   * Opens what a run left behind, for reading; null if it had not begun to deliver.
   *
   * @param latest no call of that run can act after this moment, whatever the file says
   */
  static @Nullable Ledger open(Path path, long latest) throws IOException {
    if (!Files.exists(path) || Files.size(path) < HEADER) {
      return null;
    }
    Ledger ledger =
        new Ledger(
            SteadyChannel.reading(path),
            SteadyChannel.reading(details(path)),
            SteadyChannel.reading(reasons(path)),
            CrashPoint.Watch.NONE);
    try {
      ByteBuffer header = ledger.read(ledger.bytes, 0, HEADER);
      if (header.getLong() != MAGIC) {
        throw new DamagedException("the ledger is damaged");
      }
      ledger.latest = latest;
      ledger.until = Math.min(header.getLong(), latest);
      ledger.readReasons();
      return ledger;
    } catch (IOException | RuntimeException e) {
      ledger.close();
      throw e;
    }
  }

  private void header(long newUntil) throws IOException {
    write(bytes, ByteBuffer.allocate(HEADER).putLong(MAGIC).putLong(newUntil).flip(), 0);
  }

  /** The latest moment until which a call may act that a position was reserved for. */
  long until() {
    return until;
  }

  void reserve(long from, long to, long newUntil) throws IOException {
    synchronized (this) {
      if (newUntil > until) {
        header(newUntil);
        until = newUntil;
        watch.passed(CrashPoint.CALLS_DATED);
      }
    }
    byte[] codes = new byte[Math.toIntExact(to - from)];
    synchronized (this) { // so that no answer in the range is overwritten
      ByteBuffer before = read(bytes, HEADER + from, codes.length);
      for (int i = 0; i < codes.length; i++) {
        codes[i] = before.get(i) == 0 ? RESERVED : before.get(i);
      }
      write(bytes, ByteBuffer.wrap(codes), HEADER + from);
    }
    force();
    watch.passed(CrashPoint.RESERVED);
  }

  void acknowledge(long from, List<Outcome> outcomes) throws IOException {
    watch.passed(CrashPoint.ANSWERED);
    byte[] codes = new byte[outcomes.size()];
    boolean detailed = false;
    for (int i = 0; i < codes.length; i++) {
      Outcome outcome = outcomes.get(i);
      codes[i] = outcome == Outcome.ACCEPTED ? ACCEPTED : CODES.get(outcome.kind());
      if (outcome.unsure() || outcome.until() != 0 || outcome.reason() != null) {
        detail(from + i, outcome);
        codes[i] |= DETAILED;
        detailed = true;
      }
    }
    if (detailed) {
      details.force(false);
      reasonFile.force(false);
      watch.passed(CrashPoint.DETAILS_NOTED);
    }
    synchronized (this) {
      write(bytes, ByteBuffer.wrap(codes), HEADER + from);
    }
    watch.passed(CrashPoint.ACKNOWLEDGED);
  }

  private void detail(long position, Outcome outcome) throws IOException {
    ByteBuffer detail = ByteBuffer.allocate(DETAIL);
    detail
        .putLong(outcome.until())
        .putInt(reason(outcome.reason()))
        .putInt(outcome.unsure() ? 1 : 0)
        .flip();
    write(details, detail, position * DETAIL);
  }

  private synchronized int reason(Hold.@Nullable Reason reason) throws IOException {
    if (reason == null) {
      return 0;
    }
    Hold.Reason known = new Hold.Reason(cut(reason.code()), cut(reason.message()));
    if (!reasons.containsKey(known) && reasons.size() >= MAX_REASONS) {
      known = new Hold.Reason(known.code(), "");
    }
    if (!reasons.containsKey(known) && reasons.size() >= 2 * MAX_REASONS) {
      return 0;
    }
    Integer number = reasons.get(known);
    if (number == null) {
      write(reasonFile, encoded(known), reasonFile.size());
      number = reasons.size() + 1;
      reasons.put(known, number);
      reasonList.add(known);
    }
    return number;
  }

  private static String cut(String text) {
    int end = Math.min(text.length(), MAX_MESSAGE);
    return text.substring(
        0, end > 0 && Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end);
  }

  private static ByteBuffer encoded(Hold.Reason reason) {
    byte[] code = reason.code().getBytes(StandardCharsets.UTF_8);
    byte[] message = reason.message().getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer = ByteBuffer.allocate(12 + code.length + message.length);
    buffer.putInt(code.length).putInt(message.length).put(code).put(message);
    CRC32C crc = new CRC32C();
    crc.update(buffer.array(), 0, buffer.position());
    return buffer.putInt((int) crc.getValue()).flip();
  }

  /** Reads whole reasons; one that a crash cut off was not used by any durable detail. */
  private void readReasons() throws IOException {
    FileIn in = new FileIn(reasonFile);
    long size = reasonFile.size();
    long at = 0;
    while (size - at >= 12) {
      ByteBuffer lengths = read(reasonFile, at, 8);
      int code = lengths.getInt();
      int message = lengths.getInt();
      if (code < 0
          || message < 0
          || code + message > MAX_REASON_BYTES
          || size - at < 12L + code + message) {
        break;
      }
      in.section(at, at + 8 + code + message);
      in.getLong();
      byte[] codeBytes = in.getBytes(code);
      byte[] messageBytes = in.getBytes(message);
      at += 8 + code + message;
      if (in.checksum() != read(reasonFile, at, 4).getInt()) {
        break;
      }
      at += 4;
      reasonList.add(
          new Hold.Reason(
              new String(codeBytes, StandardCharsets.UTF_8),
              new String(messageBytes, StandardCharsets.UTF_8)));
    }
  }

  /** Makes what was written before this call durable; calls that meet share the work. */
  void force() throws IOException {
    long mine;
    synchronized (this) {
      mine = writes;
    }
    synchronized (forcing) {
      if (forced >= mine) {
        return;
      }
      long now;
      synchronized (this) {
        now = writes;
      }
      bytes.force(false);
      forced = now;
    }
  }

  /**
   * The outcomes of a range; null where nothing was sent. Reserved without an answer is unknown.
   */
  @Nullable Outcome[] outcomes(long from, int count) throws IOException {
    ByteBuffer codes = read(bytes, HEADER + from, count);
    @Nullable Outcome[] outcomes = new @Nullable Outcome[count];
    for (int i = 0; i < count; i++) {
      outcomes[i] = outcome(from + i, codes.get(i));
    }
    return outcomes;
  }

  private @Nullable Outcome outcome(long position, byte code) throws IOException {
    byte plain = (byte) (code & ~DETAILED);
    if (plain == 0) {
      return null;
    }
    Outcome.Kind kind = KINDS.get(plain);
    if (kind == null) { // reserved, or damaged
      return new Outcome(Outcome.Kind.UNKNOWN, true, until, null);
    }
    if (code == plain) {
      return SIMPLE.get(kind);
    }
    ByteBuffer detail = read(details, position * DETAIL, DETAIL);
    long mayActUntil = Math.min(detail.getLong(), latest);
    int reason = detail.getInt();
    boolean unsure = detail.getInt() != 0;
    boolean known = reason > 0 && reason <= reasonList.size();
    return new Outcome(kind, unsure, mayActUntil, known ? reasonList.get(reason - 1) : null);
  }

  private void write(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      at += channel.write(buffer, at);
    }
    synchronized (this) {
      writes++;
    }
  }

  /** Bytes of a file; zeros where it ends early. */
  private ByteBuffer read(FileChannel channel, long position, int count) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count);
    while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {
      // until everything is read
    }
    return buffer.clear();
  }

  @Override
  public void close() throws IOException {
    try (bytes;
        details;
        reasonFile) {
      // closes all three
    }
  }
}
