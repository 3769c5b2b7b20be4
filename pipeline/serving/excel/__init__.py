"""A release as a workbook for people: overview, customers, actions, movement, matrix.

    columns    which columns each table sheet has, in both languages, and their queries
    workbook   a workbook that is written row by row, and its formats
    overview   the first sheet: figures and tables; charts: those beside them
    export     which sheets a release gives, and the file

Names and figures are those of the marts; nothing is worked out here that a mart has.
"""
