module roost-probe

go 1.24
