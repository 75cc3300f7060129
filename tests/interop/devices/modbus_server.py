"""pymodbus as a device: `modbus_server.py tcp`, or `modbus_server.py rtu PATH`.

Tells `ready PORT` (rtu: `ready 0`), and serves units 1 and 2 until it is ended. What pymodbus
encodes stands in the input registers, in its own order; holding registers and coils are 0.
"""

from __future__ import annotations

import asyncio
import sys

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COILS = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
SWITCHES = [SimData(0, values=[bit in (0, 3, 4) for bit in range(16)], datatype=DataType.BITS)]
HOLDING = [SimData(0, count=32, values=0, datatype=DataType.REGISTERS)]


def inputs(unit: int) -> list[SimData]:
    return [
        SimData(0, values=unit, datatype=DataType.UINT16),
        SimData(1, values=-2, datatype=DataType.INT16),
        SimData(2, values=2_301_000, datatype=DataType.UINT32),
        SimData(4, values=-70_000, datatype=DataType.INT32),
        SimData(6, values=230.5, datatype=DataType.FLOAT32),
        SimData(8, values=2**63 + unit, datatype=DataType.UINT64),
        SimData(12, values=-(2**40), datatype=DataType.INT64),
        SimData(16, values=0.1, datatype=DataType.FLOAT64),
        SimData(20, values="SDM630", datatype=DataType.STRING),
    ]


async def serve(way: str, path: str) -> None:
    units = [SimDevice(unit, (COILS, SWITCHES, HOLDING, inputs(unit))) for unit in (1, 2)]
    if way == "rtu":
        server = ModbusSerialServer(units, port=path, baudrate=115200)
    else:
        server = ModbusTcpServer(units, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = 0 if way == "rtu" else server.transport.sockets[0].getsockname()[1]
    print("ready", port, flush=True)
    await asyncio.Event().wait()


asyncio.run(serve(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
