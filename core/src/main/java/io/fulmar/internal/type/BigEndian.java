package io.fulmar.internal.type;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Integers in network byte order, as PostgreSQL's send functions write them. */
final class BigEndian {
  private static final VarHandle INT16 =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INT32 =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INT64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private BigEndian() {}

  static short int16(byte[] buf, int off) {
    return (short) INT16.get(buf, off);
  }

  static int int32(byte[] buf, int off) {
    return (int) INT32.get(buf, off);
  }

  static long int64(byte[] buf, int off) {
    return (long) INT64.get(buf, off);
  }

  static void putInt16(byte[] buf, int off, int value) {
    INT16.set(buf, off, (short) value);
  }

  static void putInt32(byte[] buf, int off, int value) {
    INT32.set(buf, off, value);
  }

  static void putInt64(byte[] buf, int off, long value) {
    INT64.set(buf, off, value);
  }
}
