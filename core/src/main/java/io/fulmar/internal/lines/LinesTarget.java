package io.fulmar.internal.lines;

import io.fulmar.JsonLinesDestination.Field;
import io.fulmar.internal.json.RowJson;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;

/**
 * Which file is written, and how: the settings of a {@link io.fulmar.JsonLinesDestination}.
 *
 * @param path the file; absolute
 * @param fields what a line has, in this order
 * @param json how rows are written
 * @param permissions of a file that is made
 * @param rotateBytes a file of this size or more is moved aside before the next batch
 */
public record LinesTarget(
    Path path,
    List<Field> fields,
    RowJson json,
    Set<PosixFilePermission> permissions,
    long rotateBytes) {}
